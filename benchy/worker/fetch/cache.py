"""Sweeps the Hub cache of what a killed download left, and finds damaged files."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from filelock import FileLock, Timeout

from benchy import hub
from benchy.errors import ModelLoadError
from benchy.hub import Repo, cache_folder
from benchy.worker.fetch.verified import find_damaged

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


def damaged_files(repo: Repo, files: Mapping[str, hub.RemoteFile]) -> list[str]:
    """Files that are not what the Hub's hash says, or not there; they are removed from the cache."""
    folder = hub.repository_folder(repo)
    blobs = {path: hub.blob_path(repo, file) for path, file in files.items()}
    broken = find_damaged(folder, blobs.values())
    wrong = []
    for path, blob in blobs.items():
        pointer = folder / "snapshots" / str(repo.revision) / path
        if blob in broken:
            blob.unlink(missing_ok=True)
        if blob in broken or pointer.resolve() != blob.resolve():
            pointer.unlink(missing_ok=True)
            wrong.append(path)
    return wrong


def require_sound(repo: Repo, commit: str) -> None:
    """Check what is in the cache of a commit, where nothing can be fetched anew.

    Raises:
        ModelLoadError: a file is not what it was when it was fetched.
    """
    folder = hub.repository_folder(repo)
    blobs = {path.resolve(): path.name for path in (folder / "snapshots" / commit).rglob("*") if path.is_file()}
    if broken := sorted(blobs[blob] for blob in find_damaged(folder, blobs)):
        raise ModelLoadError(
            f"{', '.join(broken)} of {repo.name} is in the cache, and is not what the Hub's hash says",
            hint="unset HF_HUB_OFFLINE to fetch it anew",
        )
