"""A repository on the Hub, and what it holds at one commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchy.errors import BenchyError, ModelNotFound

if TYPE_CHECKING:
    from huggingface_hub import HfApi


@dataclass(frozen=True)
class RemoteFile:
    """One file of a repository."""

    size: int
    """Bytes."""
    etag: str
    """What the cache names its blob: the content's SHA-256 for an LFS file, else git's SHA-1 of the blob."""


@dataclass(frozen=True)
class Listing:
    """What a repository holds at one commit."""

    commit: str
    files: dict[str, RemoteFile]
    """By path."""


@dataclass(frozen=True)
class Repo:
    """One repository on the Hub, at a revision."""

    name: str
    """``org/name``, or ``name`` for a few old ones."""
    kind: Literal["model", "dataset"] = "model"
    revision: str | None = None
    """Branch, tag or commit; the main branch if not set."""
    missing: type[BenchyError] = ModelNotFound
    """The error that says that it, its revision or one of its files does not exist."""

    @property
    def noun(self) -> str:
        """What it is, in a sentence."""
        return "data set" if self.kind == "dataset" else "model"

    @property
    def page(self) -> str:
        """Where a person looks at it."""
        from huggingface_hub import constants

        return f"{constants.ENDPOINT}/{'datasets/' if self.kind == 'dataset' else ''}{self.name}"


def client() -> HfApi:
    """huggingface_hub's client, with the token of this process's environment or of `hf auth login`."""
    from huggingface_hub import HfApi

    return HfApi(library_name="benchy")
