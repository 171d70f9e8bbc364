"""The rows of a leaderboard as plain values, and leaderboard.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from benchy.leaderboard.board import Board, Row, Table
from benchy.record import Prompting

CSV_FILE = "leaderboard.csv"
CSV_COLUMNS = (
    "table", "standing", "rank", "best_rank", "worst_rank", "model", "source", "commit", "content_hash", "dtype",
    "arguments", "prompting", "mean", "mean_stderr", "mean_of", "finished_at", "runs",
)  # fmt: skip


def to_csv(board: Board) -> str:
    """One row a model in each ``table``; each column of a table has one here, and another for its standard error."""
    text = io.StringIO()
    columns = [*CSV_COLUMNS, *score_columns(board)]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_inert, columns))
    writer.writerows([_inert(row.get(column, "")) for column in columns] for row in board_rows(board))
    return text.getvalue()


def _inert(value: Any) -> Any:
    """Begin a text that a spreadsheet would take for a formula with an apostrophe (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def score_columns(board: Board) -> list[str]:
    """Return the columns after ``CSV_COLUMNS``: all are numbers. No benchmark's name makes one that another has."""
    names = sorted({name for table in board.tables for name in _names(table)})
    return [column for name in names for column in _columns_of(name)]


def _columns_of(benchmark: str) -> tuple[str, str]:
    """Of its score, and of the score's standard error."""
    return f"score:{benchmark}", f"stderr:{benchmark}"


def _names(table: Table) -> list[str]:
    """Return a name for each column: the benchmark's, with the column's id where another one of the table has it."""
    names: list[str] = []
    for column in table.columns:
        benchmark = column.conditions.benchmark
        names.append(benchmark if benchmark not in names else f"{benchmark}@{column.id}")
    return names


def board_rows(board: Board) -> list[dict[str, Any]]:
    """Return a row a model in each table, by column; what it has no score in has none."""
    return [_row(table, row, _names(table)) for table in board.tables for row in table.rows]


def _row(table: Table, row: Row, names: Sequence[str]) -> dict[str, Any]:
    cells = {name: cell for name, cell in zip(names, row.cells, strict=True) if cell is not None}
    told = {name: value for name, value in row.model_dump(mode="json").items() if name in CSV_COLUMNS}
    told |= {"table": table.id, "mean": row.mean.value, "mean_stderr": row.mean.stderr}
    counted = zip(names, table.columns, strict=True)
    told["mean_of"] = " ".join(name for name, column in counted if column.id in table.mean_of)
    told["arguments"] = ",".join(f"{name}={value}" for name, value in row.arguments.items())
    told["prompting"] = words_of(row.prompting)
    told["runs"] = " ".join(dict.fromkeys(cell.run_name for cell in cells.values()))
    for name, cell in cells.items():
        told |= zip(_columns_of(name), (cell.value, cell.stderr), strict=True)
    return told


def words_of(prompting: Prompting) -> str:
    """How a model was prompted; nothing without a chat template."""
    if prompting.chat_template is None:
        return ""
    named = "" if prompting.chat_template == "default" else f" {prompting.chat_template}"
    return f"chat template{named}" + (", examples as turns" if prompting.fewshot_as_multiturn else "")


def benchmarks_of(table: Table, row: Row, run_name: str) -> str:
    """Return the columns of a model that one of its runs fills."""
    pairs = zip(table.columns, row.cells, strict=True)
    return ", ".join(column.conditions.benchmark for column, cell in pairs if cell and cell.run_name == run_name)
