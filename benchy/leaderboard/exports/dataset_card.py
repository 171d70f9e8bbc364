"""The data set card: ``README.md``, whose metadata makes the Hub's viewer show the leaderboard's tables."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Any

import yaml

from benchy.leaderboard.exports.parquet import LEADERBOARD_TABLE, RESULTS_TABLE, SAMPLES_TABLE
from benchy.leaderboard.page.rendering import HTML_FILE, JSON_FILE
from benchy.leaderboard.rows import CSV_FILE
from benchy.leaderboard.stores.records import RECORDS

CARD_FILE = "README.md"
VIEWS = {
    "leaderboard": LEADERBOARD_TABLE,
    "results": f"{RECORDS}/*/{RESULTS_TABLE}",
    "samples": f"{RECORDS}/*/{SAMPLES_TABLE}",
}
"""The viewer's configs (https://huggingface.co/docs/hub/datasets-manual-configuration): a file pattern each."""

_log = logging.getLogger(__name__)


def make_card(name: str, existing: bytes | None, paths: Collection[str]) -> bytes:
    """Return the card of a data set that holds ``paths``; all that others wrote into an existing one stays.

    One that cannot be read is left as it is: scores are published all the same.
    """
    from huggingface_hub import DatasetCard

    try:
        card = DatasetCard((existing or b"").decode())
        others = [config for config in card.data.get("configs") or [] if config["config_name"] not in VIEWS]
    except (ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        _log.warning("%s of %s is left as it is, since its metadata cannot be read: %s", CARD_FILE, name, error)
        return existing or b""
    views = [*_views(paths), *others]
    if existing is not None and card.data.get("configs") == views:
        return existing
    card.data["configs"] = views
    if existing is None:
        card.data["pretty_name"] = name.partition("/")[2]
        card.data["tags"] = ["leaderboard", "benchy"]
        card.text = _text(name)
    return str(card).encode()


def _views(paths: Collection[str]) -> list[dict[str, Any]]:
    """Only those that have files: the viewer refuses a data set in which one has none."""
    views: list[dict[str, Any]] = [
        {"config_name": view, "data_files": pattern}
        for view, pattern in VIEWS.items()
        if any(PurePosixPath(path).match(pattern) for path in paths)
    ]
    return [{**view, "default": True} if view["config_name"] == "leaderboard" else view for view in views]


def _text(name: str) -> str:
    return f"""# {name.partition("/")[2]}

Language models, evaluated with [lm-evaluation-harness](https://github.com/EleutherAI/lm-evaluation-harness) by Benchy.

- `{CSV_FILE}`, `{JSON_FILE}`, `{HTML_FILE}`: the leaderboard, made anew from the records at each upload.
- `{RECORDS}/`: a folder for each run with its record, lm-eval's own files, and the same in the form of
  [Every Eval Ever](https://github.com/evaleval/every_eval_ever) (`<id>.json`, `<id>_samples.jsonl`).

Scores are comparable within one column of one `table`. Rows marked `test` saw a part of each benchmark, and have no
rank.
"""
