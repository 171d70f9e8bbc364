"""Sweeps the Hub cache of what a killed download left, and finds damaged files."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from benchy import hub
from benchy.hub import Repo, cache_folder

logger = logging.getLogger(__name__)


def sweep(repo: Repo) -> None:
    """Remove what killed downloads left: huggingface_hub 2 never uses its ``*.incomplete`` files again.

    A download holds the lock of its blob, and a dead process holds none.
    """
    folder = hub.repository_folder(repo)
    for part in (folder / "blobs").glob("*.incomplete"):
        lock = cache_folder() / ".locks" / folder.name / f"{part.name.partition('.')[0]}.lock"
        try:
            with FileLock(lock, timeout=0):
                logger.info("Removing %s, which a download left that is gone", part.name)
                part.unlink(missing_ok=True)
        except Timeout:
            continue  # somebody fetches it now
        except OSError as error:
            logger.warning("Cannot remove %s: %s", part, error)


def bytes_here(repo: Repo, files: Mapping[str, hub.RemoteFile]) -> int:
    parts: dict[str, int] = {}
    for part in (hub.repository_folder(repo) / "blobs").glob("*"):
        etag = part.name.partition(".")[0]
        try:
            parts[etag] = max(parts.get(etag, 0), part.stat().st_size)
        except FileNotFoundError:
            continue  # it was moved to its place
    return sum(min(parts.get(file.etag, 0), file.size) for file in files.values())


def damaged_files(repo: Repo, files: Mapping[str, hub.RemoteFile], new: Mapping[str, hub.RemoteFile]) -> list[str]:
    """Files of a wrong size, and new files with a wrong hash; they are removed from the cache."""
    wrong = []
    for path, file in files.items():
        blob = hub.blob_path(repo, file)
        if (
            not blob.is_file()
            or blob.stat().st_size != file.size
            or (path in new and hash_blob(blob, file) != file.etag)
        ):
            blob.unlink(missing_ok=True)
            (hub.repository_folder(repo) / "snapshots" / str(repo.revision) / path).unlink(missing_ok=True)
            wrong.append(path)
    return wrong


def hash_blob(path: Path, file: hub.RemoteFile) -> str:
    """The hash that the Hub names a file by: SHA-256 of LFS files, git's SHA-1 of a blob for all others."""
    is_lfs = len(file.etag) == 64
    digest = hashlib.sha256() if is_lfs else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    with path.open("rb") as content:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
