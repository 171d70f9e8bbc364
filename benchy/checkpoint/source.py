"""Where a model's files come from, a folder or the Hub, read alike."""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from benchy import hub
from benchy.checkpoint.weights import TensorInfo
from benchy.errors import ModelLoadError
from benchy.hub import Repo

LONGEST_HEADER_BYTES = 100_000_000
"""safetensors' own limit."""


class ModelSource(Protocol):
    """A model's files before it is loaded."""

    @property
    def paths(self) -> Collection[str]:
        """Of all files, relative."""
        ...

    def size(self, path: str) -> int:
        """Bytes."""
        ...

    def read(self, path: str) -> Path:
        """A small file, on this machine."""
        ...

    def tensors(self, path: str) -> Mapping[str, TensorInfo]:
        """What the header of a safetensors file says."""
        ...


@dataclass(frozen=True)
class FolderModel:
    """A model in a folder."""

    folder: Path
    paths: Collection[str]

    def size(self, path: str) -> int:
        """Bytes."""
        return (self.folder / path).stat().st_size

    def read(self, path: str) -> Path:
        """A file."""
        return self.folder / path

    def tensors(self, path: str) -> Mapping[str, TensorInfo]:
        """What the header of a safetensors file says.

        Raises:
            ModelLoadError: it is no safetensors file.
        """
        try:
            with (self.folder / path).open("rb") as file:
                return _parse_header(file)
        except (ValueError, TypeError, KeyError, AttributeError, struct.error, OSError) as error:
            raise ModelLoadError(f"{self.folder / path} is damaged: {error}", hint="save the model again") from error


@dataclass
class _Tensor:
    dtype: str
    shape: list[int]


def _parse_header(file: BinaryIO) -> dict[str, _Tensor]:
    """Its length in 8 bytes, then JSON (https://huggingface.co/docs/safetensors).

    huggingface_hub reads it too, but importing that takes longer than all else that is checked of a folder.
    """
    (length,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(min(length, LONGEST_HEADER_BYTES)))
    return {name: _Tensor(info["dtype"], info["shape"]) for name, info in header.items() if name != "__metadata__"}


@dataclass(frozen=True)
class HubModel:
    """A model on the Hub, at one commit."""

    repo: Repo
    """Its revision is the commit."""
    files: Mapping[str, hub.RemoteFile]

    @property
    def paths(self) -> Collection[str]:
        """Of all files."""
        return self.files.keys()

    def size(self, path: str) -> int:
        """Bytes."""
        return self.files[path].size

    def read(self, path: str) -> Path:
        """A small file, from the cache or fetched into it.

        Raises:
            AccessDenied, NetworkError: it cannot be fetched.
        """
        return hub.read_file(self.repo, path)

    def tensors(self, path: str) -> Mapping[str, TensorInfo]:
        """What the header of a safetensors file says.

        Raises:
            AccessDenied, NetworkError: it cannot be fetched.
            ModelLoadError: it is no safetensors file.
        """
        return hub.read_header(self.repo, path, self.files[path]).tensors


def open_folder(folder: Path) -> FolderModel:
    """The model in a folder."""
    paths = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return FolderModel(folder, paths)


def open_repository(repo: Repo) -> HubModel:
    """The model on the Hub, at the commit that the revision stands for now.

    Raises:
        ModelNotFound, AccessDenied, NetworkError: as :func:`benchy.hub.files.list_files`.
    """
    listing = hub.list_files(repo)
    return HubModel(Repo(repo.name, repo.kind, listing.commit, repo.missing), listing.files)


def read_json(source: ModelSource, path: str) -> dict[str, Any]:
    """One of a model's JSON files.

    Raises:
        ModelLoadError: it is damaged.
        AccessDenied, NetworkError: it cannot be fetched.
    """
    try:
        found = json.loads(source.read(path).read_bytes())
    except ValueError as error:
        raise ModelLoadError(f"{path} is no JSON: {error}", hint="the model needs a new upload") from error
    if not isinstance(found, dict):
        raise ModelLoadError(f"{path} holds no object", hint="the model needs a new upload")
    return found
