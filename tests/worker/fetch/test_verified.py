"""Cached files are what the Hub's hash says: read once, and again when they changed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from benchy.worker.fetch.verified import NOTE_FILE, find_damaged


def blob(folder: Path, content: bytes, *, is_lfs: bool) -> Path:
    plain = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    path = folder / (hashlib.sha256(content).hexdigest() if is_lfs else plain)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("is_lfs", [True, False])
def test_an_edit_of_the_same_size_and_time_is_found(tmp_path: Path, is_lfs: bool) -> None:
    weights, other = blob(tmp_path, b"weights", is_lfs=is_lfs), blob(tmp_path, b"other", is_lfs=is_lfs)
    before = weights.stat()
    assert find_damaged(tmp_path, [weights, other]) == set()
    assert find_damaged(tmp_path, [weights, other]) == set()
    weights.write_bytes(b"poisons")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert find_damaged(tmp_path, [weights, other]) == {weights}
    weights.write_bytes(b"weights")
    assert find_damaged(tmp_path, [weights, other]) == set()
    assert find_damaged(tmp_path, [tmp_path / ("0" * 64)]) == {tmp_path / ("0" * 64)}


def test_what_was_read_once_and_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    weights = blob(tmp_path, b"weights", is_lfs=True)
    assert find_damaged(tmp_path, [weights]) == set()
    note = json.loads((tmp_path / NOTE_FILE).read_text("utf-8"))
    wrong = tmp_path / ("f" * 64)
    wrong.write_bytes(b"x")
    found = wrong.stat()
    note[wrong.name] = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
    (tmp_path / NOTE_FILE).write_text(json.dumps(note), encoding="utf-8")
    assert find_damaged(tmp_path, [weights, wrong]) == set()


@pytest.mark.parametrize("note", ["", "[]", '{"x": 1', "null"])
def test_a_broken_note_is_as_none(tmp_path: Path, note: str) -> None:
    weights = blob(tmp_path, b"weights", is_lfs=True)
    (tmp_path / NOTE_FILE).write_text(note, encoding="utf-8")
    assert find_damaged(tmp_path, [weights]) == set()
