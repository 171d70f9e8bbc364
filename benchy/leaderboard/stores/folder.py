"""A leaderboard in a folder.

A run's folder is made aside and renamed into the store; the leaderboard's files are too. So whoever reads, and whatever
is killed at any moment, sees each of them whole, old or new. One upload at a time holds the lock; what a killed one
left aside is swept by the next, which also makes the leaderboard's files from all that is in the store.
"""

from __future__ import annotations

import io
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from benchy.errors import DiskFull, UploadFailed, is_disk_full
from benchy.leaderboard.stores.base import PAGE_FILE, Files, Snapshot
from benchy.leaderboard.stores.records import RECORDS
from benchy.record import RECORD_FILE
from benchy.regular_files import LARGEST_BYTES, LARGEST_RECORD_BYTES, read_regular

ASIDE = ".incoming"
LOCK_FILE = ".lock"
LOCK_SECONDS = 120

_log = logging.getLogger(__name__)


class FolderStore:
    """A folder that holds a leaderboard, or is going to."""

    has_viewer = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    @property
    def url(self) -> str:
        """The page."""
        return (self.folder / PAGE_FILE).as_uri()

    @contextmanager
    def opened(self) -> Iterator[Snapshot]:
        """Hold the lock, and a folder for what is not whole yet.

        Raises:
            UploadFailed: the folder cannot be written.
            DiskFull: no space left; the leaderboard is as it was.
        """
        with _naming_failures(self.folder):
            (self.folder / RECORDS).mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / LOCK_FILE, timeout=LOCK_SECONDS), _aside(self.folder / ASIDE):
                yield Snapshot(tuple(sorted(path.name for path in (self.folder / RECORDS).iterdir())))

    def read(self, path: str, snapshot: Snapshot) -> bytes | None:  # noqa: ARG002 - the lock is held
        """One file's content; None if there is none, or it cannot be read."""
        try:
            return read_regular(
                self.folder / path, most=LARGEST_RECORD_BYTES if path.endswith(RECORD_FILE) else LARGEST_BYTES
            )
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("%s cannot be read: %s", self.folder / path, error.strerror)
            return None

    def commit(self, add: Files, replace: Files, *, message: str, parent: Snapshot) -> None:  # noqa: ARG002 - locked
        """Add a run, then replace the leaderboard's files that changed."""
        self._add(add)
        for name, content in replace.items():
            self._replace(name, content)
        _sync(self.folder)

    def _add(self, files: Files) -> None:
        """Rename a run's folder into the store; one whose files were changed gets each of them anew."""
        for path in files:
            _refuse_links(self.folder, path)
            (self.folder / ASIDE / path).parent.mkdir(parents=True, exist_ok=True)
            _write(self.folder / ASIDE / path, files[path])
        for folder in {PurePosixPath(path).parent for path in files}:
            _sync(self.folder / ASIDE / folder)
            if not (self.folder / folder).is_dir():
                (self.folder / ASIDE / folder).rename(self.folder / folder)
            else:
                for path in files:
                    (self.folder / ASIDE / path).replace(self.folder / path)
            _sync((self.folder / folder).parent)

    def _replace(self, name: str, content: bytes | Path) -> None:
        here = self.folder / name
        if self.read(name, Snapshot(())) != content:
            _write(self.folder / ASIDE / name, content)
            (self.folder / ASIDE / name).replace(here)


def _refuse_links(root: Path, path: str) -> None:
    """Refuse a place that a link leads elsewhere: another one who may write here made it.

    Raises:
        UploadFailed: a folder on the way is a link.
    """
    for folder in PurePosixPath(path).parents:
        if (root / folder).is_symlink() and folder != PurePosixPath():
            raise UploadFailed(f"{root / folder} is a link, and nothing is written through it", hint="remove it")


@contextmanager
def _aside(aside: Path) -> Iterator[None]:
    """Provide a folder for what is not whole yet.

    Whoever holds the lock owns it, so what lies there was left by the killed.
    """
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(path: Path, content: bytes | Path) -> None:
    """Put a new file, or a copy of one, on the disk before this returns."""
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
