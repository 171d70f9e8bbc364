"""What the benchmarks beside this file call."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

Document = dict[str, Any]


def say_ten_thousand_lines(_document: Document, _answers: list[str]) -> dict[str, float]:
    """Write to stderr as fast as possible."""
    for number in range(10_000):
        print(f"line {number}", file=sys.stderr)
    return {"exact_match": 1.0}


def wait_for_a_file(_document: Document, _answers: list[str]) -> dict[str, float]:
    """Says on stdout that it waits, and with a bar how long, until the file that ``BENCHY_TEST_GO`` names exists.

    A container has no such variable: there it waits for ever.
    """
    print("the benchmark waits", flush=True)
    go = Path(os.environ.get("BENCHY_TEST_GO", "/nowhere"))
    with tqdm(total=10**6, desc="waiting", unit="looks") as bar:
        while not go.exists():
            time.sleep(0.05)
            bar.update()
    return {"exact_match": 1.0}


def fail(_document: Document, _answers: list[str]) -> dict[str, float]:
    """Return a bug in a benchmark's own code."""
    raise KeyError("the answer is not in this document")
