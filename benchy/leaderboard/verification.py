"""Finds what of a published run, or of a whole leaderboard, is not as it was published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchy.hashing import hash_content
from benchy.leaderboard.board import Board
from benchy.leaderboard.manifest import ENVELOPE_FILE, MANIFEST_FILE, find_differences, find_signature_problem
from benchy.leaderboard.page.rendering import JSON_FILE
from benchy.leaderboard.ranking import rank
from benchy.leaderboard.stores.records import RECEIVED_FILE, RECORDS, Stored, read_stored
from benchy.record import RECORD_FILE, RunRecord
from benchy.regular_files import LARGEST_BYTES, LARGEST_RECORD_BYTES, read_regular
from benchy.results.agreement import find_contradictions, read_results


def find_changes(folder: Path, record: RunRecord, *, public_key: str | None = None) -> Iterator[str]:
    """Say what in a run's folder is not as it was: by its manifest, its signature, and lm-eval's own file."""
    manifest = read_file(folder, MANIFEST_FILE)
    if manifest is not None:
        there = (path.name for path in folder.iterdir())
        yield from find_differences(manifest, lambda name: read_file(folder, name), there)
    if public_key is not None:
        problem = find_signature_problem(manifest or b"", read_file(folder, ENVELOPE_FILE), public_key)
        yield from [problem] if problem else []
    for name, known in record.file_hashes.items():
        content = read_file(folder, name)
        if content is not None and hash_content(content) != known:
            yield f"{name} is not the file that the record knows"
    yield from _find_contradictions(folder, record)


def _find_contradictions(folder: Path, record: RunRecord) -> Iterator[str]:
    if record.evaluation is None:
        return
    content = read_file(folder, record.evaluation.results_file)
    try:
        results = read_results(content or b"")
    except ValueError as error:
        yield f"{record.evaluation.results_file} cannot be read: {error}"
    else:
        yield from find_contradictions(record.evaluation, results)


def read_board(folder: Path) -> Stored:
    """Return the records of a leaderboard in a folder, and what is set aside."""
    names = sorted(path.name for path in (folder / RECORDS).iterdir())
    contents = {name: read_file(folder / RECORDS / name, RECORD_FILE) for name in names}
    return read_stored(contents, read_file(folder, RECEIVED_FILE))


def find_wrong_board(folder: Path, stored: Stored) -> Iterator[str]:
    """Say whether a leaderboard is not the one of its records."""
    content = read_file(folder, JSON_FILE)
    try:
        shown = Board.model_validate_json(content or b"")
    except ValueError:
        yield f"{JSON_FILE} cannot be read"
        return
    made = rank(stored.records.values(), unreadable=stored.set_aside)
    if shown != Board.model_validate_json(made.model_dump_json()):
        yield f"{JSON_FILE} does not say what the records beside it say"


def read_file(folder: Path, name: str) -> bytes | None:
    """Return the content of a file of a folder; None if there is none, or it is no regular file."""
    try:
        return read_regular(
            folder / Path(name).name, most=LARGEST_RECORD_BYTES if name == RECORD_FILE else LARGEST_BYTES
        )
    except OSError:
        return None
