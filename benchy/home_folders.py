"""Expands ``~`` in a path that a person typed."""

from __future__ import annotations

import os
from pathlib import Path


def with_home(text: str | Path) -> Path:
    """Return the path with its home folder in the place of ``~`` or ``~name``; as it is where nobody is called so.

    `Path.expanduser` raises RuntimeError there, which nobody who typed a path understands.
    """
    return Path(os.path.expanduser(text))  # noqa: PTH111
