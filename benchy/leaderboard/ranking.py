"""Puts the scores of all runs into tables, and ranks the models of each."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchy.leaderboard.board import Board, Cell, Column, Kind, Row, Score, Table
from benchy.leaderboard.means import columns_of_mean, plausible
from benchy.leaderboard.models import Asked, GatheredModel, gather, identity
from benchy.record import RunRecord
from benchy.results.differences import differences
from benchy.results.significance import Field as Standings
from benchy.results.significance import Scored

_ORDER: dict[Kind, int] = {"comparable": 0, "unproven": 1, "test": 2}
_NOT_RANKED: dict[Kind, str] = {
    "test": "tests see only part of each benchmark",
    "unproven": "the records are older than the digest of the questions, so nothing proves that the same was asked",
}


def rank(records: Iterable[RunRecord], *, unreadable: Iterable[str] = ()) -> Board:
    """Return the leaderboard of finished records, in the order in which a store received them."""
    tables = [_table(models) for models in _linked(gather(records))]
    return Board(
        updated_at=max((row.finished_at for table in tables for row in table.rows), default=None),
        tables=tuple(sorted(tables, key=_table_order)),
        unreadable=tuple(sorted(unreadable)),
    )


def mean_of(scores: Iterable[Score]) -> Score:
    """Unweighted mean, and its standard error with the scores taken as independent: sqrt(sum of squares) / n."""
    scores = tuple(scores)
    values = [score.value for score in scores if score.value is not None]
    if not values or len(values) < len(scores):
        return Score(value=None, stderr=None)
    squares = [score.stderr**2 for score in scores if score.stderr is not None]
    stderr = math.sqrt(math.fsum(squares)) / len(values) if len(squares) == len(values) else None
    return Score(value=math.fsum(values) / len(values), stderr=stderr)


@dataclass
class _Link:
    """Models that share columns, directly or through others."""

    kind: Kind
    columns: set[str]
    models: list[GatheredModel]


def _linked(models: Iterable[GatheredModel]) -> Iterator[list[GatheredModel]]:
    """Yield the models of each table; those without any score share one."""
    links: list[_Link] = []
    for model in models:
        joined = _Link(model.kind, set(model.scores), [model])
        for link in [link for link in links if _touch(link, joined)]:
            links.remove(link)
            joined = _Link(model.kind, link.columns | joined.columns, link.models + joined.models)
        links.append(joined)
    return (link.models for link in links)


def _touch(one: _Link, other: _Link) -> bool:
    return one.kind == other.kind and (bool(one.columns & other.columns) or not (one.columns or other.columns))


def _table(models: list[GatheredModel]) -> Table:
    kind = models[0].kind
    columns = _columns(models)
    cells = [tuple(model.cell(column.id) for column in columns) for model in models]
    taken = plausible(columns, cells)
    counted = columns_of_mean(columns, taken) if kind == "comparable" else ()
    needed = [[row[index] for index in counted] for row in taken]
    rows = [_row(model, own, part) for model, own, part in zip(models, cells, needed, strict=True)]
    if counted:
        rows = _ranked(rows, higher_is_better=columns[counted[0]].conditions.higher_is_better is True)
    return Table(
        id=hashlib.sha256(json.dumps([kind, *sorted(column.id for column in columns)]).encode()).hexdigest()[:12],
        kind=kind,
        columns=columns,
        mean_of=tuple(columns[index].id for index in counted),
        no_rank_because=None if counted else _NOT_RANKED.get(kind) or _why_no_rank(columns),
        rows=tuple(sorted(rows, key=_row_order)),
    )


def _why_no_rank(columns: Sequence[Column]) -> str:
    if not columns:
        return "no benchmark has a score"
    if all(column.conditions.higher_is_better is None for column in columns):
        return "lm-eval does not say of any metric whether higher is better"
    return "no score is a number"


def _columns(models: list[GatheredModel]) -> tuple[Column, ...]:
    """By name; of one benchmark the one with most models first, which the others are held against."""
    asked = {one.id: one for model in models for one in model.asked.values()}
    counts = {one: sum(one in model.scores for model in models) for one in asked}
    ordered = sorted(asked.values(), key=lambda one: (one.conditions.benchmark, -counts[one.id], one.id))
    first: dict[str, Asked] = {}
    return tuple(_column(one, first.setdefault(one.conditions.benchmark, one)) for one in ordered)


def _column(one: Asked, first: Asked) -> Column:
    differs = differences(one.conditions, first.conditions, one.questions, first.questions) if one is not first else ()
    return Column(id=one.id, conditions=one.conditions, questions=one.questions, differs=differs)


def _row(model: GatheredModel, cells: tuple[Cell | None, ...], needed: Sequence[Cell | None]) -> Row:
    scores = [cell for cell in needed if cell is not None]
    newest, tested = model.newest, model.newest.model_test
    return Row(
        id=model.id,
        standing="test" if model.kind == "test" else "unranked",
        **identity(newest),
        parameters=tested.parameters if tested else None,
        mean=mean_of(scores) if len(scores) == len(needed) else Score(value=None, stderr=None),
        finished_at=newest.ended_at or newest.started_at,
        cells=cells,
    )


def _ranked(rows: list[Row], *, higher_is_better: bool) -> list[Row]:
    """With their ranks; a model with a score missing has none."""
    better = 1 if higher_is_better else -1
    signed = [_signed(row.mean, better) for row in rows]
    ahead = Standings([one for one in signed if one is not None])
    behind = Standings([_mirrored(one) for one in signed if one is not None])
    count = sum(one is not None for one in signed)
    return [
        row
        if own is None
        else row.ranked(
            1 + ahead.better(own), best=1 + ahead.leading(own), worst=count - behind.leading(_mirrored(own))
        )
        for row, own in zip(rows, signed, strict=True)
    ]


def _signed(mean: Score, better: int) -> Scored | None:
    return None if mean.value is None else (better * mean.value, mean.stderr or 0.0)


def _mirrored(scored: Scored) -> Scored:
    """Less is better: who leads it there is who trails it here."""
    return -scored[0], scored[1]


def _row_order(row: Row) -> tuple[bool, int, str, str]:
    return row.rank is None, row.rank or 0, row.model, row.id


def _table_order(table: Table) -> tuple[int, int, str]:
    ranked = sum(row.standing == "ranked" for row in table.rows)
    return _ORDER[table.kind], -ranked, table.id
