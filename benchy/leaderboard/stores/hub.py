"""A leaderboard in a data set on the Hugging Face Hub: each run is one commit.

A commit holds the run's folder and the leaderboard's files made anew, and names the commit that it was made from. If
another one came between, the Hub refuses it; then all is read again, ranked again, and tried again. So a reader sees
a run whole or not at all, and always a leaderboard of exactly the runs that are there, whoever is killed when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from benchy import hub
from benchy.errors import UploadFailed
from benchy.hub import Repo
from benchy.leaderboard.board import Board
from benchy.leaderboard.exports.dataset_card import CARD_FILE, make_card
from benchy.leaderboard.exports.parquet import LEADERBOARD_TABLE, make_leaderboard_table, make_tables
from benchy.leaderboard.page.rendering import render
from benchy.leaderboard.publication import Publication
from benchy.leaderboard.ranking import rank
from benchy.leaderboard.stores.conflicts import MovedOn, retrying
from benchy.leaderboard.stores.records import RECORDS, read_stored
from benchy.record import RECORD_FILE, RunRecord

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

THREADS = 8
MOVED_ON = {409, 412}
"""How the Hub refuses a commit whose parent is no longer the newest."""


def publish(publication: Publication, name: str, api: HfApi) -> tuple[Board, bool]:
    """Add a run in one commit; a run that is there already changes nothing.

    Args:
        publication: the run.
        name: ``org/name`` of the data set; made, and private, if it is not there.
        api: a client with a token that may write to it.

    Returns:
        The leaderboard, and whether the run had been there.

    Raises:
        UploadFailed: another run has this run's name there, or each commit was refused.
        huggingface_hub's and httpx2's errors: as they come.
    """
    data_set = _DataSet(name, api)
    data_set.make_sure_it_is_there()
    own = _operations(_own_files(publication))
    again = retrying(name)
    board, is_there = again(_read_merge_commit, publication.record, own, data_set)
    tried_before = again.statistics["attempt_number"] > 1
    return board, is_there and not tried_before  # else that commit was ours, and only its answer was lost


@dataclass(frozen=True)
class _Snapshot:
    """What a data set holds at one commit."""

    commit: str
    blobs: Mapping[str, str]
    """Git's identity of each file's content, by the file's path."""

    @property
    def folders(self) -> list[str]:
        """What lies among the records."""
        return sorted({PurePosixPath(path).parts[1] for path in self.blobs if path.startswith(f"{RECORDS}/")})


class _DataSet:
    """One data set on the Hub."""

    def __init__(self, name: str, api: HfApi) -> None:
        self.name = name
        self._api = api

    def make_sure_it_is_there(self) -> None:
        if not hub.retried(lambda: self._api.repo_exists(self.name, repo_type="dataset")):
            hub.retried(lambda: self._api.create_repo(self.name, repo_type="dataset", private=True, exist_ok=True))

    def look(self) -> _Snapshot:
        info = hub.retried(lambda: self._api.dataset_info(self.name, files_metadata=True, timeout=hub.TIMEOUT_SECONDS))
        if info.sha is None:
            raise UploadFailed(f"{self.name} has no commit", hint="make one at the Hub, e.g. by adding a README.md")
        return _Snapshot(info.sha, {file.rfilename: file.blob_id or "" for file in info.siblings or ()})

    def read(self, path: str, snapshot: _Snapshot) -> bytes | None:
        """One file's content; None if there is none.

        What was read once stays in the Hub's cache under its identity, at whatever commit it is wanted
        (https://huggingface.co/docs/huggingface_hub/guides/manage-cache), so only new records are asked for. Code of
        models may have been run on that cache: what is not what its name says is fetched anew.
        """
        blob = snapshot.blobs.get(path)
        if blob is None:
            return None
        cached = hub.repository_folder(Repo(self.name, "dataset")) / "blobs" / blob
        there = cached.read_bytes() if cached.is_file() else None
        if there is not None and _git_hash(there) == blob:
            return there
        fetch = partial(self._api.hf_hub_download, self.name, path, repo_type="dataset", revision=snapshot.commit)
        return Path(hub.retried(partial(fetch, force_download=there is not None))).read_bytes()

    def commit(self, operations: Iterable[CommitOperationAdd], message: str, parent: _Snapshot) -> None:
        """One commit. Files that are there with this content are left out, and of none no commit is made.

        Raises:
            MovedOn: another commit came between.
        """
        from huggingface_hub.errors import HfHubHTTPError

        try:
            commit = partial(self._api.create_commit, self.name, repo_type="dataset", parent_commit=parent.commit)
            hub.retried(lambda: commit(operations=operations, commit_message=message))
        except HfHubHTTPError as error:
            if error.response.status_code in MOVED_ON:
                raise MovedOn(parent.commit) from error
            raise


def _git_hash(content: bytes) -> str:
    """Git's identity of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _own_files(publication: Publication) -> dict[str, bytes | Path]:
    """Of the run alone: never changed once they are there."""
    folder = PurePosixPath(RECORDS, publication.record.run_name)
    files = {**publication.files, **make_tables(publication)}
    return {str(folder / name): content for name, content in files.items()}


def _operations(files: Mapping[str, bytes | Path]) -> list[CommitOperationAdd]:
    from huggingface_hub import CommitOperationAdd

    return [CommitOperationAdd(path, content) for path, content in files.items()]


def _read_merge_commit(record: RunRecord, own: list[CommitOperationAdd], data_set: _DataSet) -> tuple[Board, bool]:
    snapshot = data_set.look()
    stored = read_stored(_record_files(data_set, snapshot))
    is_there = stored.holds(record)
    records = stored.records if is_there else stored.records | {record.run_name: record}
    board = rank(records.values(), unreadable=stored.unreadable)
    files = {**render(board, records.values()), LEADERBOARD_TABLE: make_leaderboard_table(board)}
    added = [] if is_there else own
    paths = {*snapshot.blobs, *files, *(operation.path_in_repo for operation in added)}
    files[CARD_FILE] = make_card(data_set.name, data_set.read(CARD_FILE, snapshot), paths)
    data_set.commit([*added, *_operations(files)], f"Add {record.run_name}", snapshot)
    return board, is_there


def _record_files(data_set: _DataSet, snapshot: _Snapshot) -> dict[str, bytes | None]:
    """By the names of the folders that hold them."""
    with ThreadPoolExecutor(THREADS) as pool:
        contents = pool.map(lambda name: data_set.read(f"{RECORDS}/{name}/{RECORD_FILE}", snapshot), snapshot.folders)
        return dict(zip(snapshot.folders, contents, strict=True))
