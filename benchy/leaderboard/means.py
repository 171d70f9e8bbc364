"""Chooses the columns of a table whose mean ranks its models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from benchy.leaderboard.board import Cell, Column

Cells = Sequence[Cell | None]
"""One model's, in the order of the columns."""
_Scale = tuple[bool, str | None]
"""Whether more is better; None for a proportion, else the only column of that scale."""


def columns_of_mean(columns: Sequence[Column], rows: Sequence[Cells]) -> tuple[int, ...]:
    """Return the largest block without a gap: so many models have a score in each of so many columns.

    A mean needs one scale, so all its columns are proportions of which more is better (or less), or it is one column.
    A benchmark counts once: under the conditions that most models have, and not where a group counts it already.
    """
    scales: dict[_Scale, int] = defaultdict(int)
    for index, column in enumerate(columns):
        if scale := _scale(column, [row[index] for row in rows]):
            scales[scale] |= 1 << index
    superseding = _superseding(columns, rows)
    masks = [_mask(row) for row in rows]
    blocks = [(block, scale) for scale, within in scales.items() for block in _blocks(within, masks, superseding)]
    if not blocks:
        return ()
    worth = {block: _worth(block, scale, rows, masks) for block, scale in blocks}
    best = max(worth, key=lambda block: (worth[block], [columns[index].id for index in _indices(block)]))
    return tuple(_indices(best))


def plausible(columns: Sequence[Column], rows: Sequence[Cells]) -> list[Cells]:
    """Return the rows without the scores beyond 0 to 1 of columns whose scores mostly lie within.

    One record with an accuracy of -0.0001 must not take the column out of everybody's mean.
    """
    are_odd = [_odd([row[index] for row in rows]) for index in range(len(columns))]
    return [tuple(None if odd(cell) else cell for odd, cell in zip(are_odd, row, strict=True)) for row in rows]


def _odd(cells: Cells) -> Callable[[Cell | None], bool]:
    """Return what tells of a cell of a column whether it is no proportion where most are."""
    values = [cell.value for cell in cells if cell is not None and cell.value is not None]
    are_proportions = 2 * sum(0 <= value <= 1 for value in values) >= len(values)
    return lambda cell: are_proportions and cell is not None and cell.value is not None and not 0 <= cell.value <= 1


def _scale(column: Column, cells: Cells) -> _Scale | None:
    better = column.conditions.higher_is_better
    values = [cell.value for cell in cells if cell is not None and cell.value is not None]
    if better is None or not values:
        return None
    return better, None if all(0 <= value <= 1 for value in values) else column.id


def _blocks(within: int, masks: list[int], superseding: list[int]) -> set[int]:
    """Return the sets of columns that some model fills, as bits."""
    found = {mask & within for mask in masks}
    return {sum(1 << index for index in _indices(mask) if not superseding[index] & mask) for mask in found} - {0}


def _superseding(columns: Sequence[Column], rows: Sequence[Cells]) -> list[int]:
    """For each column those that count in its place: of the same benchmark with more models or newer, or a group."""
    ages = [_age(index, column, rows) for index, column in enumerate(columns)]
    alike: dict[str, list[int]] = defaultdict(list)
    above: dict[str, int] = defaultdict(int)
    for index, column in enumerate(columns):
        alike[column.conditions.benchmark].append(index)
        for name in {part.name for part in column.conditions.below}:
            above[name] |= 1 << index
    return [
        above[column.conditions.benchmark]
        | sum(1 << other for other in alike[column.conditions.benchmark] if ages[other] > ages[index])
        for index, column in enumerate(columns)
    ]


def _age(index: int, column: Column, rows: Sequence[Cells]) -> tuple[int, datetime, str]:
    cells = [cell for row in rows if (cell := row[index])]
    return len(cells), max(cell.finished_at for cell in cells), column.id


def _worth(block: int, scale: _Scale, rows: Sequence[Cells], masks: list[int]) -> tuple[int, int, bool, bool, datetime]:
    """How many scores it holds, of how many models; of two such rather the proportions, and then the newer."""
    full = [row for row, mask in zip(rows, masks, strict=True) if mask & block == block]
    newest = max(cell.finished_at for row in full for index in _indices(block) if (cell := row[index]))
    return len(full) * block.bit_count(), len(full), scale[0], scale[1] is None, newest


def _mask(row: Cells) -> int:
    return sum(1 << index for index, cell in enumerate(row) if cell is not None and cell.value is not None)


def _indices(mask: int) -> Iterator[int]:
    return (index for index in range(mask.bit_length()) if mask >> index & 1)
