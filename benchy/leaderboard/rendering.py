"""What the leaderboard's three files say."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchy.leaderboard.board import Board, Entry, Suite
from benchy.leaderboard.plot import MODELS_SHOWN, draw
from benchy.record import RunRecord

JSON_FILE = "leaderboard.json"
CSV_FILE = "leaderboard.csv"
HTML_FILE = "leaderboard.html"
CSV_COLUMNS = (
    "suite", "standing", "rank", "best_rank", "worst_rank", "model", "model_hash", "dtype", "arguments",
    "mean", "mean_stderr", "finished_at", "run_name",
)  # fmt: skip

_HERE = Path(__file__).parent


def render(board: Board, records: Iterable[RunRecord]) -> dict[str, bytes]:
    """The files by name; the same leaderboard gives the same bytes."""
    return {
        JSON_FILE: (board.model_dump_json(indent=2) + "\n").encode(),
        CSV_FILE: to_csv(board).encode(),
        HTML_FILE: to_html(board, records).encode(),
    }


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


def to_html(board: Board, records: Iterable[RunRecord]) -> str:
    """The page: one file, whose security policy lets nothing in but its own style and script."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return environment.get_template("page.html.jinja").render(
        board=board,
        records={record.run_name: record for record in records},
        draw=draw,
        models_shown=MODELS_SHOWN,
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704
        style_hash=_policy_hash(style),
        script_hash=_policy_hash(script),
    )


def _policy_hash(text: str) -> str:
    """As Content-Security-Policy names the one inline script or style that is allowed (W3C, CSP level 3)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
