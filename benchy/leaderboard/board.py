"""The leaderboard as data: the form of ``leaderboard.json``."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import AwareDatetime

from benchy.frozen import FrozenModel
from benchy.results.conditions import Conditions

BOARD_VERSION: Final = 1

Standing = Literal["ranked", "unranked", "older", "test"]


class Score(FrozenModel):
    """The headline metric of one benchmark."""

    value: float | None
    """None if lm-eval gave no number."""
    stderr: float | None
    """Standard error; None if not defined."""


class Entry(FrozenModel):
    """One run on the leaderboard."""

    run_name: str
    standing: Standing
    """``older``: a newer run of the same model stands in its place. ``unranked``: its suite has no common scale."""
    rank: int | None = None
    """By the mean alone, from 1; equal means share one. None unless ``ranked``."""
    best_rank: int | None = None
    """From 1: one more than the models that are better beyond chance (95 %)."""
    worst_rank: int | None = None
    """How many ranked models are not worse beyond chance (95 %), itself included."""
    model: str
    model_hash: str | None
    """The Hub's commit, or SHA-256 of a folder's content."""
    dtype: str | None
    arguments: dict[str, str]
    """Backend and further arguments that make it another model, as text."""
    parameters: int | None
    mean: Score
    """Unweighted mean of ``scores``, and its standard error with the benchmarks taken as independent."""
    scores: tuple[Score, ...]
    """One a benchmark of the suite, in the same order."""
    finished_at: AwareDatetime
    record: str
    """Path from the leaderboard's folder."""
    results: str
    """lm-eval's own file, likewise."""


class Suite(FrozenModel):
    """Runs whose scores are comparable, best first."""

    id: str
    """Hash of the conditions: the same on every leaderboard."""
    conditions: Conditions
    no_rank_because: str | None
    """Why a mean would mean nothing here; None where runs are ranked."""
    entries: tuple[Entry, ...]

    @property
    def title(self) -> str:
        """Its benchmarks."""
        return ", ".join(benchmark.name for benchmark in self.conditions.benchmarks)


class Board(FrozenModel):
    """``leaderboard.json``."""

    schema_version: Literal[1] = BOARD_VERSION
    updated_at: AwareDatetime | None
    """End of the newest run; None on an empty leaderboard."""
    suites: tuple[Suite, ...]
    """Those with most models first, tests last."""
    unreadable: tuple[str, ...]
    """What lies among the records and is not one."""

    def entry(self, run_name: str) -> Entry | None:
        """The entry of a run."""
        entries = (entry for suite in self.suites for entry in suite.entries)
        return next((entry for entry in entries if entry.run_name == run_name), None)
