"""The leaderboard as data: the form of ``leaderboard.json``, version 2."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import AwareDatetime, Field

from benchy.frozen import FrozenModel
from benchy.record import Prompting, Questions
from benchy.results.conditions import Conditions

BOARD_VERSION: Final = 2
MOST_IN_TITLE = 4
"""Benchmarks that a table's title names."""

Kind = Literal["comparable", "unproven", "test"]
Standing = Literal["ranked", "unranked", "test"]


class Column(FrozenModel):
    """One benchmark under one set of conditions; a group stands for the benchmarks below it."""

    id: str
    """Hash of the conditions: the same on every leaderboard."""
    conditions: Conditions
    questions: Questions | None
    """What was asked, part by part; ``conditions.questions`` is its digest."""
    differs: tuple[str, ...] = ()
    """From the table's first column of this benchmark, in words."""


class Score(FrozenModel):
    """A number with its error."""

    value: float | None
    """None if lm-eval gave no number."""
    stderr: float | None
    """Standard error; None if not defined."""
    flaws: tuple[str, ...] = ()
    """Sentences: why it may mislead."""


class RunScore(Score):
    """The headline metric of one benchmark in one run."""

    run_name: str
    finished_at: AwareDatetime
    record: str
    """Path from the leaderboard's folder."""
    results: str
    """lm-eval's own file, likewise."""


class Cell(RunScore):
    """A model's newest score in a column."""

    older: tuple[RunScore, ...] = ()
    """By runs before it, the oldest first."""


class Row(FrozenModel):
    """One model: at one commit or hash, in one dtype, with one set of arguments, prompted in one way."""

    id: str
    """Hash of all that makes it this model: the same on every leaderboard."""
    standing: Standing
    """``unranked``: a score that the mean needs is missing, or nothing here is ranked."""
    rank: int | None = None
    """By the mean alone, from 1; equal means share one. None unless ``ranked``."""
    best_rank: int | None = None
    """From 1: one more than the models that are better beyond chance (95 %)."""
    worst_rank: int | None = None
    """How many ranked models are not worse beyond chance (95 %), itself included."""
    model: str
    """With where it came from, unless that is the Hub."""
    source: Literal["hub", "folder", "api"] | None
    """Where it came from; None if the record does not say."""
    commit: str | None
    """The Hub's; None for a folder or an API."""
    content_hash: str | None
    """SHA-256 of a folder's content."""
    parts: dict[str, str] = Field(default_factory=dict)
    """The commit of each further repository that is loaded with it."""
    dtype: str | None
    arguments: dict[str, str]
    """Backend and further arguments that make it another model, as text."""
    prompting: Prompting
    parameters: int | None
    mean: Score
    """Unweighted mean of its scores in the columns ``mean_of``; their benchmarks are taken as independent."""
    finished_at: AwareDatetime
    """End of the newest run."""
    cells: tuple[Cell | None, ...]
    """One a column, in the same order; None where there is no score."""

    def ranked(self, rank: int, *, best: int, worst: int) -> Self:
        """Return it with its rank, and the ranks that it may have by chance."""
        return self._with(standing="ranked", rank=rank, best_rank=best, worst_rank=worst)


class Table(FrozenModel):
    """Columns that stand side by side, since models link them, with the models that have scores there, best first."""

    id: str
    """Hash of its columns."""
    kind: Kind
    """``unproven``: of records that hold no digest of the questions. ``test``: of parts of the benchmarks."""
    columns: tuple[Column, ...]
    """By name."""
    mean_of: tuple[str, ...]
    """The ids of the columns whose mean ranks: every ranked model has a score in each. Empty if nothing is ranked."""
    no_rank_because: str | None
    """Why nothing is ranked here."""
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """Its benchmarks; of many the first ones."""
        names = list(dict.fromkeys(column.conditions.benchmark for column in self.columns))
        if len(names) <= MOST_IN_TITLE:
            return ", ".join(names)
        return f"{', '.join(names[: MOST_IN_TITLE - 1])} and {len(names) - MOST_IN_TITLE + 1} more"


class Board(FrozenModel):
    """``leaderboard.json``."""

    schema_version: Literal[2] = BOARD_VERSION
    updated_at: AwareDatetime | None
    """End of the newest run; None on an empty leaderboard."""
    tables: tuple[Table, ...]
    """Those with most ranked models first, then those that nothing proves comparable, then tests."""
    unreadable: tuple[str, ...]
    """What lies among the records and is not one."""

    @property
    def runs(self) -> frozenset[str]:
        """Every run that has a score here, be it an older one."""
        cells = (cell for table in self.tables for row in table.rows for cell in row.cells if cell)
        return frozenset(score.run_name for cell in cells for score in (cell, *cell.older))

    def rank_of(self, run_name: str) -> int | None:
        """Return the rank of the model that a run gave a score which still stands; None if nothing of it is ranked."""
        rows = (row for table in self.tables for row in table.rows)
        found = (row for row in rows if any(cell and cell.run_name == run_name for cell in row.cells))
        return next((row.rank for row in found), None)
