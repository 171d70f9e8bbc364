"""A leaderboard in a dataset on the Hugging Face Hub: each run is one commit.

A commit holds the run's folder and the leaderboard's files made anew, and names the commit that it was made from. If
another one came between, the Hub refuses it. So a reader sees a run whole or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from benchy import hub
from benchy.errors import UploadFailed
from benchy.hub import Repo
from benchy.leaderboard.stores.base import Files, Snapshot
from benchy.leaderboard.stores.conflicts import MovedOn
from benchy.leaderboard.stores.records import RECORDS

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MOVED_ON = {409, 412}
"""How the Hub refuses a commit whose parent is no longer the newest."""


class HubStore:
    """One dataset on the Hub, ``org/name``; made, and private, if it is not there."""

    has_viewer = True

    def __init__(self, name: str, api: HfApi) -> None:
        """Use a client whose token may write to it."""
        self.name = name
        self._api = api
        self._is_there = False

    @property
    def url(self) -> str:
        """Its page."""
        return Repo(self.name, kind="dataset").page

    @contextmanager
    def opened(self) -> Iterator[Snapshot]:
        """Look at its newest commit."""
        self._make_sure_it_is_there()
        info = hub.retried(lambda: self._api.dataset_info(self.name, files_metadata=True, timeout=hub.TIMEOUT_SECONDS))
        if info.sha is None:
            raise UploadFailed(f"{self.name} has no commit", hint="make one at the Hub, e.g. by adding a README.md")
        blobs = {file.rfilename: file.blob_id or "" for file in info.siblings or ()}
        runs = {PurePosixPath(path).parts[1] for path in blobs if path.startswith(f"{RECORDS}/")}
        yield Snapshot(tuple(sorted(runs)), info.sha, blobs)

    def read(self, path: str, snapshot: Snapshot) -> bytes | None:
        """One file's content; None if there is none.

        What was read once stays in the Hub's cache under its identity, at whatever commit it is wanted
        (https://huggingface.co/docs/huggingface_hub/guides/manage-cache), so only new records are asked for. Code of
        models may have been run on that cache: what is not what its name says is fetched anew.
        """
        blob = (snapshot.blobs or {}).get(path)
        if blob is None:
            return None
        cached = hub.repository_folder(Repo(self.name, "dataset")) / "blobs" / blob
        there = cached.read_bytes() if cached.is_file() else None
        if there is not None and _git_hash(there) == blob:
            return there
        fetch = partial(self._api.hf_hub_download, self.name, path, repo_type="dataset", revision=snapshot.version)
        return Path(hub.retried(partial(fetch, force_download=there is not None))).read_bytes()

    def commit(self, add: Files, replace: Files, *, message: str, parent: Snapshot) -> None:
        """Make one commit. Files that are there with this content are left out, and of none no commit is made.

        Raises:
            MovedOn: another commit came between.
        """
        from huggingface_hub import CommitOperationAdd
        from huggingface_hub.errors import HfHubHTTPError

        operations = [CommitOperationAdd(path, content) for path, content in {**add, **replace}.items()]
        commit = partial(self._api.create_commit, self.name, repo_type="dataset", parent_commit=parent.version)
        try:
            hub.retried(lambda: commit(operations=operations, commit_message=message))
        except HfHubHTTPError as error:
            if error.response.status_code in MOVED_ON:
                raise MovedOn(parent.version) from error
            raise

    def _make_sure_it_is_there(self) -> None:
        if not self._is_there and not hub.retried(lambda: self._api.repo_exists(self.name, repo_type="dataset")):
            hub.retried(lambda: self._api.create_repo(self.name, repo_type="dataset", private=True, exist_ok=True))
        self._is_there = True


def _git_hash(content: bytes) -> str:
    """Git's identity of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
