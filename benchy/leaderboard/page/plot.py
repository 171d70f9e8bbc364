"""Where the marks of the plots go: one panel a benchmark, one line a model, all in percent of the panel's width."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchy.leaderboard.board import Column, Row, Score, Table
from benchy.results.conditions import Conditions
from benchy.results.significance import Z_95

MODELS_SHOWN = 20
TICKS_ABOUT = 4


@dataclass(frozen=True)
class Tick:
    """One line of the scale."""

    x: float
    label: str


@dataclass(frozen=True)
class Mark:
    """One model's score, with its 95 % interval."""

    row: Row
    score: Score
    x: float
    low: float
    high: float
    best: bool
    """No model of the panel is better."""


@dataclass(frozen=True)
class Panel:
    """One plot."""

    title: str
    metric: str
    ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]


def draw(table: Table) -> tuple[Panel, ...]:
    """Return the panels of a table: the mean first, if it means something that no single benchmark says."""
    shown = [row for row in table.rows if row.standing != "test"][:MODELS_SHOWN]
    panels = [
        _panel(_title(column), column.conditions, [(row, cell) for row in shown if (cell := row.cells[index])])
        for index, column in enumerate(table.columns)
    ]
    if len(table.mean_of) > 1:
        first = next(column for column in table.columns if column.id == table.mean_of[0])
        mean = _panel("Mean", first.conditions, [(row, row.mean) for row in shown])
        panels.insert(0, replace(mean, metric=""))
    return tuple(panel for panel in panels if panel.marks)


def _title(column: Column) -> str:
    return f"{column.conditions.benchmark} ({column.differs[0]})" if column.differs else column.conditions.benchmark


def _panel(title: str, conditions: Conditions, scores: list[tuple[Row, Score]]) -> Panel:
    metric, better = conditions.metric, conditions.higher_is_better
    arrow = {True: "↑", False: "↓", None: ""}[better]
    values = [score.value for _, score in scores if score.value is not None]
    if not values:
        return Panel(title, metric, (), ())
    best = {True: max(values), False: min(values), None: None}[better]
    ticks, place = _scale(*_extent([score for _, score in scores]))
    marks = []
    for row, score in scores:
        if score.value is not None:
            low, high = _interval(score)
            marks.append(Mark(row, score, place(score.value), place(low), place(high), score.value == best))
    return Panel(title, f"{metric} {arrow}".strip(), ticks, tuple(marks))


def _interval(score: Score) -> tuple[float, float]:
    value, half = score.value or 0.0, Z_95 * (score.stderr or 0.0)
    return value - half, value + half


def _extent(scores: list[Score]) -> tuple[float, float]:
    """From the least to the greatest end of an interval, never beyond 0 and 1 for proportions, and never empty."""
    ends = [end for score in scores if score.value is not None for end in _interval(score)]
    low, high = min(ends), max(ends)
    if all(0 <= score.value <= 1 for score in scores if score.value is not None):
        low, high = max(low, 0.0), min(high, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.05 * max(abs(low), 1.0), high + 0.05 * max(abs(high), 1.0)
    return low, high


def _scale(low: float, high: float) -> tuple[tuple[Tick, ...], Callable[[float], float]]:
    """Round numbers that enclose the extent, and where a value lies between them."""
    step = _round_step((high - low) / TICKS_ABOUT)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    start, width = first * step, (last - first) * step

    def place(value: float) -> float:
        return round(100 * min(max((value - start) / width, 0.0), 1.0), 2)

    return tuple(Tick(place(n * step), f"{n * step:.6g}") for n in range(first, last + 1)), place


def _round_step(least: float) -> float:
    """Return the next of 1, 2, 5, 10, ... times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
