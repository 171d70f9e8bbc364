"""What the benchmarks beside this file call."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

Document = dict[str, Any]


def say_ten_thousand_lines(_document: Document, _answers: list[str]) -> dict[str, float]:
    """Writes to stderr as fast as it can."""
    for number in range(10_000):
        print(f"line {number}", file=sys.stderr)
    return {"exact_match": 1.0}


def wait_for_a_file(_document: Document, _answers: list[str]) -> dict[str, float]:
    """Says on stdout that it waits, until the file that ``BENCHY_TEST_GO`` names exists."""
    print("the benchmark waits", flush=True)
    while not Path(os.environ["BENCHY_TEST_GO"]).exists():
        time.sleep(0.05)
    return {"exact_match": 1.0}


def fail(_document: Document, _answers: list[str]) -> dict[str, float]:
    """A bug in a benchmark's own code."""
    raise KeyError("the answer is not in this document")
