"""Tests whether a record says what lm-eval's own results file beside it says."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from benchy.record import BenchmarkResult, EvaluationResult


def find_contradictions(evaluation: EvaluationResult, results: Mapping[str, Any]) -> Iterator[str]:
    """Say of each score, error, count and version of a record where lm-eval's results file has another one."""
    for part in evaluation.benchmarks:
        yield from _in_part(part, results, _section(results, "results", part.name))
        counted = _section(results, "n-samples", part.name).get("effective", part.documents)
        if counted != part.documents:
            yield f"{part.name}: {part.documents:,} documents in the record, {counted} in lm-eval's results file"
    for part in evaluation.groups:
        yield from _in_part(part, results, _section(results, "groups", part.name))
    named = {part.name for part in (*evaluation.benchmarks, *evaluation.groups)}
    yield from (f"{name} is not in the record" for name in _table(results, "configs") if name not in named)


def _in_part(part: BenchmarkResult, results: Mapping[str, Any], scores: Mapping[str, Any]) -> Iterator[str]:
    said = {f"{metric.name},{metric.filter}": metric.value for metric in part.metrics}
    said |= {f"{metric.name}_stderr,{metric.filter}": metric.stderr for metric in part.metrics}
    for key, value in said.items():
        if _number(scores.get(key)) != value:
            yield f"{part.name}: {key} is {value} in the record, {scores.get(key)} in lm-eval's results file"
    version = _table(results, "versions").get(part.name, part.version)
    if str(version) != part.version:
        yield f"{part.name}: version {part.version} in the record, {version} in lm-eval's results file"


def _section(results: Mapping[str, Any], table: str, name: str) -> Mapping[str, Any]:
    return _table(_table(results, table), name)


def _table(results: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = results.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(value: object) -> float | None:
    """As the record keeps it: None for "N/A", for what is no number, and for what is not finite."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def read_results(content: bytes) -> dict[str, Any]:
    """Return what a results file holds.

    Raises:
        ValueError: it is no JSON object.
    """
    try:
        found = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - the same to every caller
    return found
