"""A leaderboard in a folder: writes a run into the store, and makes the three files anew.

A run's folder is made aside and renamed into the store; the three files are too. So whoever reads, and whatever is
killed at any moment, sees each of them whole, old or new. One upload at a time holds the lock; what a killed one left
aside is swept by the next, which also makes the three files from all that is in the store.
"""

from __future__ import annotations

import io
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from benchy.errors import DiskFull, UploadFailed, is_disk_full
from benchy.leaderboard.board import Board
from benchy.leaderboard.page.rendering import render
from benchy.leaderboard.publication import Publication
from benchy.leaderboard.ranking import rank
from benchy.leaderboard.stores.records import RECORDS, read_stored
from benchy.record import RECORD_FILE

ASIDE = ".incoming"
LOCK_FILE = ".lock"
LOCK_SECONDS = 120

_log = logging.getLogger(__name__)


def publish(publication: Publication, folder: Path) -> tuple[Board, bool]:
    """Add a run, and make the leaderboard's files anew; a run that is there already changes nothing.

    Returns:
        The leaderboard, and whether the run had been there.

    Raises:
        UploadFailed: the folder cannot be written, or another run has this run's name there.
        DiskFull: no space left; the leaderboard is as it was.
    """
    with _naming_failures(folder):
        (folder / RECORDS).mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK_FILE, timeout=LOCK_SECONDS), _aside(folder) as aside:
            stored = read_stored(_record_files(folder))
            already_there, records = stored.holds(publication.record), stored.records
            if not already_there:
                _add(publication, folder, aside)
                records = records | {publication.record.run_name: publication.record}
            board = rank(records.values(), unreadable=stored.unreadable)
            _replace_files(render(board, records.values()), folder, aside)
    return board, already_there


def _add(publication: Publication, folder: Path, aside: Path) -> None:
    made = aside / publication.record.run_name
    made.mkdir()
    for name, content in publication.files.items():
        _write(made / name, content)
    _sync(made)
    made.rename(folder / RECORDS / made.name)
    _sync(folder / RECORDS)


def _record_files(folder: Path) -> dict[str, bytes | None]:
    """By the names of the folders that hold them."""
    found: dict[str, bytes | None] = {}
    for place in sorted((folder / RECORDS).iterdir()):
        try:
            found[place.name] = (place / RECORD_FILE).read_bytes()
        except OSError as error:
            _log.warning("%s cannot be read: %s", place / RECORD_FILE, error.strerror)
            found[place.name] = None
    return found


def _replace_files(files: dict[str, bytes], folder: Path, aside: Path) -> None:
    """Replace those that changed."""
    for name, content in files.items():
        here = folder / name
        if not here.is_file() or here.read_bytes() != content:
            _write(aside / name, content)
            (aside / name).replace(here)
    _sync(folder)


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A folder for what is not whole yet; whoever holds the lock owns it, so what lies there was left by the killed."""
    aside = folder / ASIDE
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(path: Path, content: bytes | Path) -> None:
    """A new file, or a copy of one, on the disk when this returns."""
    with path.open("xb") as file, content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as source:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make renames in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _naming_failures(folder: Path) -> Iterator[None]:
    try:
        yield
    except Timeout as error:
        raise UploadFailed(
            f"another upload has held {folder / LOCK_FILE} for {LOCK_SECONDS} s", hint="try again", transient=True
        ) from error
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(
                f"no space left on the disk of {folder}; the leaderboard there is as it was",
                hint="free some space there",
            ) from error
        where = error.filename or folder
        if isinstance(error, (FileExistsError, NotADirectoryError)):
            raise UploadFailed(f"{where} is in the way: it is no folder", hint="set upload.to to a folder") from error
        raise UploadFailed(f"{where} cannot be written: {error.strerror}", hint="check upload.to") from error
