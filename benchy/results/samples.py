"""Reads lm-eval's samples files: a line for each document and filter."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def read_samples(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of one file, as ``EvaluationTracker.save_results_samples`` writes them."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def prompt_of(sample: Mapping[str, Any]) -> str:
    """Return what the model was given, worked examples and chat template included."""
    requests = [*sample["arguments"].values()]
    return str(requests[0]["arg_0"]) if requests else ""


def choices_of(sample: Mapping[str, Any]) -> list[str]:
    """Of multiple choice: the continuations that the model rated; else nothing."""
    continuations = [request.get("arg_1") for request in sample["arguments"].values()]
    return continuations if len(continuations) > 1 and all(isinstance(c, str) for c in continuations) else []
