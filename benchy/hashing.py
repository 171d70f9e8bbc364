"""SHA-256 of contents and files."""

from __future__ import annotations

import hashlib
from pathlib import Path


def hash_content(content: bytes | Path) -> str:
    """Return the SHA-256 of a content, or of a file's, in hexadecimal."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
