"""The rows of a leaderboard as plain values, and leaderboard.csv."""

from __future__ import annotations

import csv
import io
from typing import Any

from benchy.leaderboard.board import Board, Entry, Suite

CSV_FILE = "leaderboard.csv"
CSV_COLUMNS = (
    "suite", "standing", "rank", "best_rank", "worst_rank", "model", "model_hash", "dtype", "arguments",
    "mean", "mean_stderr", "finished_at", "run_name",
)  # fmt: skip


def to_csv(board: Board) -> str:
    """One row a run; each benchmark has a column and one for its standard error. ``suite`` says what is comparable."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*CSV_COLUMNS, *score_columns(board)], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(board_rows(board))
    return text.getvalue()


def score_columns(board: Board) -> list[str]:
    """The columns after ``CSV_COLUMNS``: all are numbers."""
    names = sorted({benchmark.name for suite in board.suites for benchmark in suite.conditions.benchmarks})
    return [column for name in names for column in (name, f"{name}_stderr")]


def board_rows(board: Board) -> list[dict[str, Any]]:
    """A row a run, by column; a benchmark that is not of its suite has none."""
    return [_row(suite, entry) for suite in board.suites for entry in suite.entries]


def _row(suite: Suite, entry: Entry) -> dict[str, Any]:
    row = {name: value for name, value in entry.model_dump(mode="json").items() if name in CSV_COLUMNS}
    row |= {"suite": suite.id, "mean": entry.mean.value, "mean_stderr": entry.mean.stderr}
    row["arguments"] = ",".join(f"{name}={value}" for name, value in entry.arguments.items())
    for benchmark, score in zip(suite.conditions.benchmarks, entry.scores, strict=True):
        row |= {benchmark.name: score.value, f"{benchmark.name}_stderr": score.stderr}
    return row
