"""Finds the best score of each column of a table."""

from __future__ import annotations

from collections.abc import Iterable

from benchy.leaderboard.board import Score, Table


def best_scores(table: Table) -> tuple[float | None, ...]:
    """Return the best score of each column; None where nothing says what is better, or there are no two to compare."""
    return tuple(
        _best((row.cells[index] for row in table.rows), higher_is_better=column.conditions.higher_is_better)
        for index, column in enumerate(table.columns)
    )


def best_mean(table: Table) -> float | None:
    """Return the best of the means that rank; None if nothing is ranked, or one row alone."""
    counted = next((column for column in table.columns if column.id in table.mean_of), None)
    if counted is None:
        return None
    return _best((row.mean for row in table.rows), higher_is_better=counted.conditions.higher_is_better)


def _best(scores: Iterable[Score | None], *, higher_is_better: bool | None) -> float | None:
    values = [score.value for score in scores if score is not None and score.value is not None]
    if higher_is_better is None or len(values) < 2:
        return None
    return max(values) if higher_is_better else min(values)
