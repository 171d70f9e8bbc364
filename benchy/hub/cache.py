"""The shared cache of files from the Hub: where a file lies, which commit a revision stood for."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from benchy.atomic import write_atomically
from benchy.hub.repository import RemoteFile, Repo

SHARED_CACHE = "BENCHY_SHARED_CACHE"
"""The variable that names a cache which this process may read and not write: what ``HF_HOME`` is to who fetches."""


def blob_path(repo: Repo, file: RemoteFile) -> Path:
    """Where the cache keeps a file's content."""
    return repository_folder(repo) / "blobs" / file.etag


def repository_folder(repo: Repo) -> Path:
    """Return the repository's part of the cache."""
    from huggingface_hub.file_download import repo_folder_name

    return cache_folder() / repo_folder_name(repo_id=repo.name, repo_type=repo.kind)


def remember_commit(repo: Repo, commit: str) -> None:
    """Note in the cache what the revision stood for, so that :func:`cached_commit` knows it without the network."""
    from huggingface_hub import constants

    revision = repo.revision or constants.DEFAULT_REVISION
    if revision == commit:
        return
    path = repository_folder(repo) / "refs" / revision
    with suppress(OSError):  # a cache that is complete may be read-only
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, commit)


def datasets_cache() -> Path:
    """Where `datasets` keeps what it made of a dataset's files; importing it takes a second or two."""
    from huggingface_hub import constants

    return Path(os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets")


def cache_folder() -> Path:
    """Where huggingface_hub keeps repositories."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)
