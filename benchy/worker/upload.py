"""Publishes a finished run. Imports no model code, so that the worker that does only this starts at once."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchy.config import UploadConfig
from benchy.errors import UploadFailed
from benchy.hub import Repo
from benchy.leaderboard.board import Board
from benchy.leaderboard.exports.model_card import offer
from benchy.leaderboard.page.rendering import HTML_FILE
from benchy.leaderboard.publication import Publication, read_publication
from benchy.leaderboard.stores import folder as folder_board
from benchy.leaderboard.stores import hub as data_set
from benchy.leaderboard.stores.hub_access import naming_write_failures, writing_client
from benchy.protocol import Upload
from benchy.record import Uploaded
from benchy.results.finished import read_finished
from benchy.worker.failures import failing_as


def upload(request: Upload) -> Uploaded:
    """Add the run to the leaderboard; one that is there already changes nothing.

    Raises:
        UploadFailed: the run has no scores, or the leaderboard cannot be written; the record is kept.
        AccessDenied: no token, or the Hub refuses it.
        NetworkError: the Hub cannot be reached, or keeps failing.
        DiskFull: no space left where the leaderboard is.
    """
    started = time.monotonic()
    folder = Path(request.run_folder)
    read_finished(folder)  # before a folder is made in it
    with failing_as(UploadFailed, f"publishing {folder}"), tempfile.TemporaryDirectory(dir=folder, prefix=".") as aside:
        publication = read_publication(folder, Path(aside), samples=request.config.samples)
        uploaded = _publish(publication, request.config, request.token)
    return uploaded.model_copy(update={"upload_seconds": time.monotonic() - started})


def _publish(publication: Publication, config: UploadConfig, token: str | None) -> Uploaded:
    if config.data_set is None:
        return _to_folder(publication, config.to)
    return _to_hub(publication, config, config.data_set, token)


def _to_folder(publication: Publication, to: str) -> Uploaded:
    place = Path(to).expanduser().resolve()
    board, already_there = folder_board.publish(publication, place)
    return _uploaded(publication, board, already_there, (place / HTML_FILE).as_uri())


def _to_hub(publication: Publication, config: UploadConfig, name: str, token: str | None) -> Uploaded:
    api = writing_client(config, token)
    with naming_write_failures(name, config.token_env):
        board, already_there = data_set.publish(publication, name, api)
    uploaded = _uploaded(publication, board, already_there, Repo(name, kind="dataset").page)
    if not config.model_card:
        return uploaded
    with naming_write_failures(publication.record.config.model.name, config.token_env, kind="model"):
        pull_request = offer(publication, name, uploaded.url, api)
    return uploaded.model_copy(update={"pull_request": pull_request})


def _uploaded(publication: Publication, board: Board, already_there: bool, url: str) -> Uploaded:
    rank = board.rank_of(publication.record.run_name)
    return Uploaded(url=url, already_there=already_there, rank=rank, upload_seconds=0.0)
