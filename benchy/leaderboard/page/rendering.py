"""Renders leaderboard.html."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchy.leaderboard.board import Board
from benchy.leaderboard.page.best import best_mean, best_scores
from benchy.leaderboard.page.plot import MODELS_SHOWN, draw
from benchy.leaderboard.rows import CSV_FILE, benchmarks_of, to_csv, words_of
from benchy.record import RunRecord

JSON_FILE = "leaderboard.json"
HTML_FILE = "leaderboard.html"

_HERE = Path(__file__).parent


def render(board: Board, records: Iterable[RunRecord]) -> dict[str, bytes]:
    """Return the files by name; the same leaderboard gives the same bytes."""
    return {
        JSON_FILE: (board.model_dump_json(indent=2) + "\n").encode(),
        CSV_FILE: to_csv(board).encode(),
        HTML_FILE: to_html(board, records).encode(),
    }


def to_html(board: Board, records: Iterable[RunRecord]) -> str:
    """Return the page: one file, whose security policy lets nothing in but its own style and script."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return environment.get_template("page.html.jinja").render(
        board=board,
        records={record.run_name: record for record in records},
        draw=draw,
        best_mean=best_mean,
        best_scores=best_scores,
        names_of_run=benchmarks_of,
        prompting=words_of,
        models_shown=MODELS_SHOWN,
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704
        style_hash=_policy_hash(style),
        script_hash=_policy_hash(script),
    )


def _policy_hash(text: str) -> str:
    """As Content-Security-Policy names the one inline script or style that is allowed (W3C, CSP level 3)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
