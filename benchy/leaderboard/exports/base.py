"""What every export is made of: a finished run, ready for any leaderboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchy.record import RunRecord


@dataclass(frozen=True)
class Publication:
    """A finished run, ready for any leaderboard."""

    record: RunRecord
    """As published."""
    files: Mapping[str, bytes | Path]
    """What its folder in the store holds, by name: content, or where it is."""
    aside: Path
    """The folder for what is made of it on the way."""
