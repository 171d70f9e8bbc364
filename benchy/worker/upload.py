"""Publishes a finished run. Imports no model code, so that the worker that does only this starts at once."""

from __future__ import annotations

import time
from pathlib import Path

from benchy.errors import UploadFailed
from benchy.leaderboard.folder import publish
from benchy.leaderboard.publication import read_publication
from benchy.leaderboard.rendering import HTML_FILE
from benchy.protocol import Upload
from benchy.record import Uploaded


def upload(request: Upload) -> Uploaded:
    """Add the run to the leaderboard; one that is there already changes nothing.

    Raises:
        UploadFailed: the run has no scores, or the leaderboard cannot be written; the record is kept.
        DiskFull: no space left where the leaderboard is.
    """
    started = time.monotonic()
    publication = read_publication(Path(request.run_folder))
    folder = _leaderboard_folder(request.to)
    board, already_there = publish(publication, folder)
    entry = board.entry(publication.record.run_name)
    return Uploaded(
        url=(folder / HTML_FILE).as_uri(),
        already_there=already_there,
        rank=entry.rank if entry else None,
        upload_seconds=time.monotonic() - started,
    )


def _leaderboard_folder(to: str) -> Path:
    if "://" in to:
        raise UploadFailed(f'upload.to: "{to}" is no folder', hint="name a folder on this machine")
    return Path(to).expanduser().resolve()
