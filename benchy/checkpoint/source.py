"""Where a model's files come from, a folder or the Hub, read alike."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from benchy import hub
from benchy.checkpoint.weights import TensorInfo
from benchy.errors import ModelLoadError, ModelNotFound
from benchy.hub import Repo

LONGEST_HEADER_BYTES = 100_000_000
"""safetensors' own limit."""
LARGEST_JSON_BYTES = 50_000_000
"""Of a config or of an index of shards."""
MOST_ENTRIES = 20_000
"""Files and folders of one model."""


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
        """Return a small file, on this machine."""
        ...

    def tensors(self, path: str) -> Mapping[str, TensorInfo]:
        """Return what the header of a safetensors file says."""
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
        """Return a file."""
        return self.folder / path

    def tensors(self, path: str) -> Mapping[str, TensorInfo]:
        """Return what the header of a safetensors file says.

        Raises:
            ModelLoadError: it is no safetensors file.
        """
        try:
            with (self.folder / path).open("rb") as file:
                return _parse_header(file)
        except OSError as error:
            raise _unreadable(self.folder / path, error) from error
        except (ValueError, struct.error, RecursionError) as error:
            raise ModelLoadError(f"{self.folder / path} is damaged: {error}", hint="save the model again") from error


class _Tensor(BaseModel):
    """Pydantic refuses whatever else a header may say; ``data_offsets`` are safetensors' own to check."""

    model_config = ConfigDict(strict=True)

    dtype: str
    shape: Annotated[list[Annotated[int, Field(ge=0, lt=2**48)]], Field(max_length=16)]


_HEADER = TypeAdapter(dict[str, _Tensor])


def _parse_header(file: BinaryIO) -> dict[str, _Tensor]:
    """Its length in 8 bytes, then JSON (https://huggingface.co/docs/safetensors).

    huggingface_hub reads it too, but importing that takes longer than all else that is checked of a folder.
    """
    (length,) = struct.unpack("<Q", file.read(8))
    if length > LONGEST_HEADER_BYTES:
        raise ValueError(f"its header would have {length} bytes")
    header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header holds no tensors")  # noqa: TRY004 - of the file, not of an argument
    return _require_tensors({name: info for name, info in header.items() if name != "__metadata__"})


def _require_tensors(header: dict[str, Any]) -> dict[str, _Tensor]:
    try:
        return _HEADER.validate_python(header)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"in its header, {where}: {first['msg']}") from error


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
        """Return a small file, from the cache or fetched into it.

        Raises:
            AccessDenied, NetworkError: it cannot be fetched.
        """
        return hub.read_file(self.repo, path)

    def tensors(self, path: str) -> Mapping[str, TensorInfo]:
        """Return what the header of a safetensors file says.

        Raises:
            AccessDenied, NetworkError: it cannot be fetched.
            ModelLoadError: it is no safetensors file.
        """
        header = hub.read_header(self.repo, path, self.files[path]).tensors
        try:
            return _require_tensors({name: {"dtype": info.dtype, "shape": info.shape} for name, info in header.items()})
        except ValueError as error:
            raise ModelLoadError(f"{path} of {self.repo.name} is damaged: {error}") from error


def open_folder(folder: Path) -> FolderModel:
    """Return the model in a folder."""
    return FolderModel(folder, set(list_files(folder)))


def list_files(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, relative to it; without those of `.cache`, `.git` and other hidden folders.

    Raises:
        ModelNotFound: there are more than any model has.
    """
    seen = 0
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        seen += len(files) + len(folders)
        if seen > MOST_ENTRIES:
            raise ModelNotFound(
                f'"{folder}" holds more than {MOST_ENTRIES:,} files and folders', hint="name the folder of one model"
            )
        yield from (os.path.relpath(os.path.join(here, name), folder) for name in files if _is_file(here, name))  # noqa: PTH118


def folder_name(path: str) -> str:
    """Return the name of the model in a folder: `m`, `./m` and `m/` are one model, and `.` is called as its folder."""
    plain = os.path.normpath(path)
    return Path(plain).resolve().name if plain.startswith(".") else plain


def _is_file(folder: str, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name))  # noqa: PTH113, PTH118 - unlike pathlib's, false where it is refused


def _unreadable(path: Path, error: OSError) -> ModelLoadError:
    hint = "let this user read it (`chmod u+r`, in a container `chmod g+r`)"
    return ModelLoadError(f"{path} cannot be read: {error.strerror}", hint=hint)


def open_repository(repo: Repo) -> HubModel:
    """Return the model on the Hub, at the commit that the revision stands for now.

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
        with source.read(path).open("rb") as file:
            found = json.loads(file.read(LARGEST_JSON_BYTES))
    except OSError as error:
        raise _unreadable(Path(path), error) from error
    except (ValueError, RecursionError) as error:
        raise ModelLoadError(f"{path} is no JSON: {error}", hint="the model needs a new upload") from error
    if not isinstance(found, dict):
        raise ModelLoadError(f"{path} holds no object", hint="the model needs a new upload")
    return found
