"""Judges whether a record can stand on a leaderboard: a single one must never stop all the others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from benchy.errors import UploadFailed
from benchy.leaderboard.page.rendering import render
from benchy.leaderboard.ranking import rank
from benchy.record import RunRecord
from benchy.regular_files import is_plain_name

LARGEST = 1e15
"""No score, error, count or time that is ranked may be greater: the sum of their squares is finite."""
LONGEST_NAME = 1000
"""Characters of the longest name of a model, a benchmark or a metric."""


def require_rankable(record: RunRecord) -> None:
    """Check that a record can be ranked and shown, before it is added.

    Raises:
        UploadFailed: with the reason.
    """
    if problem := find_impossible(record) or find_unshowable(record):
        raise UploadFailed(
            f"{record.run_name[:LONGEST_NAME]} cannot stand on a leaderboard: {problem}",
            hint="see its record; a model that computes such numbers is broken",
        )


def find_impossible(record: RunRecord) -> str | None:
    """Return what of a record no honest run can hold: numbers that are not finite, names that are none."""
    return next(_impossible(record), None)


def find_unshowable(record: RunRecord) -> str | None:
    """Return why a leaderboard of this record alone cannot be made, whatever the reason; None if it can."""
    try:
        render(rank([record]), [record])
    except Exception as error:  # noqa: BLE001 - the reasons of hostile records have no end
        return f"no page can be made of it ({type(error).__name__}: {str(error)[:200]})"
    return None


def _impossible(record: RunRecord) -> Iterator[str]:
    assert record.evaluation is not None  # noqa: S101 - of what is published
    parts = (*record.evaluation.groups, *record.evaluation.benchmarks)
    own = [name for part in parts for name in (part.samples_file, part.scores_file) if name]
    files = [record.evaluation.results_file, *own]
    yield from (f'it names "{name[:100]}", which is no plain file name' for name in files if not is_plain_name(name))
    names = [record.config.model.name, *(part.name for part in parts)]
    yield from (f"it has a name of {len(name):,} characters" for name in names if len(name) > LONGEST_NAME)
    forged = (part.name for part in parts if part.questions is not None and not part.questions.is_whole)
    yield from (f"the digest of what {name} asks is not that of its settings" for name in forged)
    for part in parts:
        for metric in part.metrics:
            said = {metric.name: metric.value, f"standard error of {metric.name}": metric.stderr}
            yield from (f"the {name} of {part.name} is {value:.4g}" for name, value in said.items() if _is_out(value))
    yield from _numbers_out_of_bounds(record.model_dump(exclude={"config"}), "record")


def _numbers_out_of_bounds(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _numbers_out_of_bounds(part, f"{where}.{str(key)[:100]}")
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _numbers_out_of_bounds(part, where)
    elif _is_out(value):
        yield f"{where} is no number that can be shown"


def _is_out(value: object) -> bool:
    if isinstance(value, int):
        return abs(value) > LARGEST
    return isinstance(value, float) and not (math.isfinite(value) and abs(value) <= LARGEST)
