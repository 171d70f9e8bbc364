"""Remembers which cached files are what the Hub's hash says: each is read once, and again when it changed.

The note lies in the cache. In a container code of a model sees the cache read-only; for child processes of one user it
is no wall, and only notices an edit.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchy.atomic import write_atomically

NOTE_FILE = ".benchy-verified.json"
LFS_HASH_LENGTH = 64
"""Characters of a SHA-256; git's SHA-1 has 40."""


def find_damaged(folder: Path, blobs: Iterable[Path]) -> set[Path]:
    """Those of a repository's cached blobs whose content is not what their name says; each is called as its hash."""
    known = _read_note(folder)
    marks = {blob: _mark(blob) for blob in set(blobs)}
    unknown = [blob for blob, mark in marks.items() if known.get(blob.name) != mark]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing holds no lock of Python's
        sound = {blob for blob, whole in zip(unknown, pool.map(_is_whole, unknown), strict=True) if whole}
    if sound:
        write_atomically(folder / NOTE_FILE, json.dumps(known | {blob.name: marks[blob] for blob in sound}))
    return set(unknown) - sound


def hash_blob(path: Path) -> str:
    """Return the hash that the Hub names a file by: SHA-256 of LFS files, git's SHA-1 of a blob for all others."""
    with path.open("rb") as content:
        if len(path.name) == LFS_HASH_LENGTH:
            return hashlib.file_digest(content, "sha256").hexdigest()
        header = b"blob %d\0" % path.stat().st_size
        return hashlib.file_digest(content, lambda: hashlib.sha1(header, usedforsecurity=False)).hexdigest()


def _is_whole(blob: Path) -> bool:
    try:
        return hash_blob(blob) == blob.name
    except OSError:
        return False


def _mark(blob: Path) -> list[int]:
    """By which a change shows; nobody can set back the time of the last change of status (ctime)."""
    try:
        found = blob.stat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _read_note(folder: Path) -> dict[str, list[int]]:
    try:
        note = json.loads((folder / NOTE_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
