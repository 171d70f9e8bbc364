"""Publishes a run to any store: the one algorithm by which a leaderboard gains a run.

Each try looks at the store, judges, ranks all records and changes the store in one go. If somebody else changed it
meanwhile, all is read again, ranked again, and tried again. So a reader always sees a leaderboard of exactly the runs
that are there, whoever is killed when.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchy.leaderboard.board import Board
from benchy.leaderboard.exports.base import Publication
from benchy.leaderboard.exports.dataset_card import CARD_FILE, make_card
from benchy.leaderboard.exports.parquet import LEADERBOARD_TABLE, make_leaderboard_table, make_tables
from benchy.leaderboard.judging import find_unshowable, require_rankable
from benchy.leaderboard.manifest import MANIFEST_FILE, find_differences, make_manifest
from benchy.leaderboard.page.rendering import render
from benchy.leaderboard.ranking import rank
from benchy.leaderboard.stores.base import Files, Snapshot, Store
from benchy.leaderboard.stores.conflicts import retrying
from benchy.leaderboard.stores.records import RECEIVED_FILE, RECORDS, Stored, read_stored
from benchy.record import RECORD_FILE

THREADS = 8


@dataclass(frozen=True)
class Published:
    """The leaderboard that a run is on now."""

    board: Board
    already_there: bool
    """The run had been there before, so nothing changed."""


def publish(publication: Publication, store: Store, *, signing_key: str | None = None) -> Published:
    """Add a run to a store, and make the leaderboard's files anew; a run that is there already changes nothing.

    Args:
        publication: the run.
        store: made if it is not there.
        signing_key: a private key (PEM) that signs the run's manifest.

    Raises:
        UploadFailed: the record cannot be ranked, another run has its name there, or others wrote at each try.
        BenchyError, OSError, huggingface_hub's and httpx2's errors: as the store's.
    """
    require_rankable(publication.record)
    own = _own_files(publication, store, signing_key)
    again = retrying(store.name)
    published = again(_read_merge_commit, publication, own, store)
    tried_before = again.statistics["attempt_number"] > 1
    return Published(published.board, published.already_there and not tried_before)  # else that change was ours


def _own_files(publication: Publication, store: Store, signing_key: str | None) -> Files:
    """Of the run alone: never changed once they are there."""
    files = {**publication.files, **(make_tables(publication) if store.has_viewer else {})}
    files |= make_manifest(publication.record, files, signing_key)
    folder = PurePosixPath(RECORDS, publication.record.run_name)
    return {str(folder / name): content for name, content in files.items()}


def _read_merge_commit(publication: Publication, own: Files, store: Store) -> Published:
    record = publication.record
    content = own[f"{RECORDS}/{record.run_name}/{RECORD_FILE}"]
    assert isinstance(content, bytes)  # noqa: S101 - for the type checker
    with store.opened() as snapshot:
        stored = read_stored(_record_files(store, snapshot), store.read(RECEIVED_FILE, snapshot))
        is_there = stored.holds(record, content) and not _is_damaged(record.run_name, store, snapshot)
        board, files, stored = _rank(stored if is_there else stored.with_record(record, content))
        files[RECEIVED_FILE] = stored.received.to_bytes()
        added = {} if is_there else own
        if store.has_viewer:
            files |= _viewer_files(board, {*files, *added}, store, snapshot)
        store.commit(added, files, message=f"Add {record.run_name}", parent=snapshot)
    return Published(board, is_there)


def _rank(stored: Stored) -> tuple[Board, dict[str, bytes | Path], Stored]:
    """Rank and render; where that fails, without the records that cannot even be shown alone."""
    try:
        board = rank(stored.records.values(), unreadable=stored.set_aside)
        return board, dict(render(board, stored.records.values())), stored
    except Exception:
        problems = {name: why for name, record in stored.records.items() if (why := find_unshowable(record))}
        if not problems:
            raise
        return _rank(stored.without(problems))


def _is_damaged(name: str, store: Store, snapshot: Snapshot) -> bool:
    """Whether a file of a run that is there is not what its manifest says; runs of older versions have none."""
    manifest = store.read(f"{RECORDS}/{name}/{MANIFEST_FILE}", snapshot)
    return manifest is not None and any(
        find_differences(manifest, lambda file: store.read(f"{RECORDS}/{name}/{file}", snapshot))
    )


def _viewer_files(board: Board, new: set[str], store: Store, snapshot: Snapshot) -> dict[str, bytes | Path]:
    paths = {*(snapshot.blobs or ()), *new, LEADERBOARD_TABLE}
    card = make_card(store.name, store.read(CARD_FILE, snapshot), paths)
    return {LEADERBOARD_TABLE: make_leaderboard_table(board), CARD_FILE: card}


def _record_files(store: Store, snapshot: Snapshot) -> dict[str, bytes | None]:
    """By the names of the folders that hold them."""
    with ThreadPoolExecutor(THREADS) as pool:
        contents = pool.map(lambda name: store.read(f"{RECORDS}/{name}/{RECORD_FILE}", snapshot), snapshot.runs)
        return dict(zip(snapshot.runs, contents, strict=True))
