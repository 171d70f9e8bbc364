"""Finds what a run scored by the words of a command line: a folder, a run's name, or a model of a leaderboard."""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchy.errors import ConfigError
from benchy.home_folders import with_home
from benchy.hub import Repo, naming_failures, read_token
from benchy.leaderboard.stores.records import RECEIVED_FILE, RECORDS
from benchy.leaderboard.verification import read_board
from benchy.record import RunRecord
from benchy.results.scored_run import ScoredRun, is_run, merge_runs, read_run

_DATASET = re.compile(r"hf://datasets/(?P<name>[\w.-]+/[\w.-]+)[:/](?P<model>.+)")
WHAT_TO_NAME = (
    "name a run's folder, a run below outputs/, BOARD:MODEL, hf://datasets/ORG/NAME:MODEL, or lm_eval's folder"
)
MOST_NAMED = 5
PUBLISHED = [RECEIVED_FILE, f"{RECORDS}/*/record.json", f"{RECORDS}/*/results_*.json", f"{RECORDS}/*/scores_*.parquet"]


@contextmanager
def found_run(text: str) -> Iterator[ScoredRun]:
    """Find what a run scored; what was fetched for it is gone after the block.

    Args:
        text: a run's folder, the name of one below ``outputs``, a folder that ``lm_eval run`` wrote, ``BOARD:MODEL`` or
            ``BOARD:RUN`` with a leaderboard's folder or ``hf://datasets/ORG/NAME``.

    Raises:
        ConfigError: there is no such run, or what is there cannot be read.
        BenchyError: as the Hub's.
    """
    if text.startswith("hf://"):
        with _fetched(text) as (folder, name):
            yield _of_board(folder, name, text)
        return
    for folder in (with_home(text), Path("outputs") / text):
        if is_run(folder):
            yield read_run(folder)
            return
    board, colon, name = text.rpartition(":")
    if colon and (with_home(board) / RECORDS).is_dir():
        yield _of_board(with_home(board), name, text)
        return
    raise ConfigError(f'"{text}" is no run that can be found here', hint=WHAT_TO_NAME)


@contextmanager
def _fetched(text: str) -> Iterator[tuple[Path, str]]:
    """Provide a copy of what a dataset of the Hub holds, without prompts and answers."""
    found = _DATASET.fullmatch(text)
    if found is None:
        raise ConfigError(f'"{text}" names no run of a dataset', hint="write hf://datasets/ORG/NAME:MODEL")
    from huggingface_hub import snapshot_download

    name = found["name"]
    with tempfile.TemporaryDirectory() as folder:
        with naming_failures(Repo(name, kind="dataset")):
            snapshot_download(name, repo_type="dataset", local_dir=folder, allow_patterns=PUBLISHED, token=read_token())
        yield Path(folder), found["model"]


def _of_board(board: Path, name: str, text: str) -> ScoredRun:
    """Return what a published model scored, of each benchmark what the leaderboard received last."""
    stored = read_board(board)
    records = [
        (record, board / RECORDS / run) for run, record in stored.records.items() if is_run(board / RECORDS / run)
    ]
    chosen = [
        (record, folder)
        for record, folder in records
        if name == record.run_name or (name in _names(record) and not record.is_test)
    ]
    if not chosen and (why := stored.set_aside.get(name)):
        raise ConfigError(f"{text} does not count: {why}", hint="`benchy verify` says more")
    if not chosen:
        known = sorted({record.model_label for record, _ in records if not record.is_test})
        near = difflib.get_close_matches(name, known, n=MOST_NAMED, cutoff=0.3) or known[:MOST_NAMED]
        raise ConfigError(
            f'no run of "{name}" on that leaderboard: {text}', hint=f"there are {', '.join(near) or 'none'}"
        )
    labels = {record.model_label for record, _ in chosen}
    if len(labels) > 1:
        raise ConfigError(
            f'"{name}" is several models there: {", ".join(sorted(labels))}', hint="name one of them whole"
        )
    return merge_runs(chosen[-1][0].model_label, [read_run(folder) for _, folder in chosen])


def _names(record: RunRecord) -> tuple[str, ...]:
    return record.model_label, record.config.model.name
