"""What a place for a leaderboard can do; a folder and a dataset on the Hub are two."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

Files = Mapping[str, bytes | Path]
"""Content, or the file that holds it, by path from the store's root."""
PAGE_FILE = "leaderboard.html"


@dataclass(frozen=True)
class Snapshot:
    """What a store holds at one moment."""

    runs: tuple[str, ...]
    """Names of what lies among the records."""
    version: str = ""
    """The store's own name of that moment."""
    blobs: Mapping[str, str] | None = None
    """Of a store that knows them without reading: the identity of each file's content, by path."""


class Store(Protocol):
    """Where a leaderboard lies."""

    name: str
    has_viewer: bool
    """Whether parquet tables and a card are shown there."""

    @property
    def url(self) -> str:
        """Where a person looks at it."""
        ...

    def opened(self) -> AbstractContextManager[Snapshot]:
        """Look at it, for one try to change it; made if it is not there."""
        ...

    def read(self, path: str, snapshot: Snapshot) -> bytes | None:
        """One file's content; None if it cannot be had."""
        ...

    def commit(self, add: Files, replace: Files, *, message: str, parent: Snapshot) -> None:
        """Add the folder of one run, and replace files of the leaderboard: all or nothing of each.

        Raises:
            MovedOn: somebody else was quicker.
        """


@runtime_checkable
class StoreKind(Protocol):
    """A kind of store that another package brings. It is made without arguments."""

    def open(self, place: str, token: str | None) -> Store:
        """Return the store at a place.

        Args:
            place: what ``upload.to`` says behind ``://``.
            token: what the variable of ``upload.token_env`` holds; None if it is not set.
        """
        ...
