"""Opens regular files alone: no pipe that blocks for ever, no link that leads elsewhere."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePath
from typing import BinaryIO

LARGEST_RECORD_BYTES = 64 * 1024**2
"""Of a ``record.json``; the record of a run of all of lm-eval's benchmarks takes a few megabytes."""

LARGEST_BYTES = 4 * 1024**3
"""Of any other file that is read whole: the samples of a million documents take two of them."""


def is_plain_name(name: str) -> bool:
    """Return whether this is the name of a file or folder, and neither a path nor hidden nor more than one line."""
    return bool(name) and PurePath(name).name == name and not name.startswith(".") and name.isprintable()


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        OSError: there is none, or it is a link, a pipe, a device or a folder.
    """
    return os.fdopen(_open(path, os.O_RDONLY), "rb")


def append_to_regular(path: Path) -> int:
    """Return a descriptor that appends to a file, which is made if it is not there.

    Raises:
        OSError: it cannot be written, or is a link, a pipe, a device or a folder.
    """
    return _open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def read_regular(path: Path, *, most: int | None = LARGEST_RECORD_BYTES) -> bytes:
    """Return a file's content.

    Raises:
        OSError: as :func:`open_regular`, or it holds more than so many bytes.
    """
    with open_regular(path) as file:
        if most is not None and os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"it holds more than {most:,} bytes", str(path))
        return file.read()


def _open(path: Path, flags: int) -> int:
    """Without waiting: a pipe has a reader or is refused."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no regular file", str(path))
