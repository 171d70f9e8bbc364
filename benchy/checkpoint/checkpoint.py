"""What a model's files say before any of them is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchy import hub
from benchy.backends import find_backend
from benchy.checkpoint.adapter import ADAPTER_FILE, is_adapter
from benchy.checkpoint.files import files_to_load, find_weights, weight_files
from benchy.checkpoint.shape import stored_dtype
from benchy.checkpoint.source import HubModel, ModelSource, open_folder, open_repository, read_json
from benchy.checkpoint.weights import BYTES, TensorInfo, Weights, count_weights
from benchy.config import BenchmarkConfig
from benchy.errors import ModelNotFound
from benchy.hub import Repo
from benchy.record import Facts

HEADERS_AT_ONCE = 8


def open_checkpoint(config: BenchmarkConfig) -> ModelSource | Facts | None:
    """The model's files; None behind an API, and only the commit where the network is forbidden."""
    if not find_backend(config.model.backend).loads_weights:
        return None
    name = config.model.name
    if Path(name).is_dir():
        return open_folder(Path(name))
    if looks_like_path(name):
        raise ModelNotFound(f'no folder "{name}"', hint=f"paths are relative to {Path.cwd()}")
    repo = Repo(name, revision=config.model.revision)
    if hub.is_offline():
        return Facts(commit=hub.cached_commit(repo))
    source = open_repository(repo)
    hub.remember_commit(repo, source.repo.revision or "")
    return source


@dataclass(frozen=True)
class CheckpointFiles:
    """Those of a model that matter."""

    weights: list[str]
    loaded: list[str]
    """Weights and all small files."""
    config: dict[str, Any] | None
    """The config.json; None for an adapter or a GGUF file."""
    adapter: dict[str, Any] | None = None
    """The adapter_config.json of an adapter."""

    @property
    def have_headers(self) -> bool:
        """Whether the weights' files say themselves what they hold."""
        return all(path.endswith(".safetensors") for path in self.weights)


def choose_files(config: BenchmarkConfig, source: ModelSource) -> CheckpointFiles:
    """The files that are loaded; reading one of them proves access, since gated repositories list theirs."""
    entry = find_weights(source.paths, config.model)
    folder = entry.rpartition("/")[0]
    path = f"{folder}/config.json" if folder else "config.json"
    model = adapter = None
    if is_adapter(entry) and ADAPTER_FILE in source.paths:
        adapter = read_json(source, ADAPTER_FILE)
    elif path in source.paths:
        model = read_json(source, path)
    elif entry.endswith(".gguf"):
        if isinstance(source, HubModel):
            hub.require_access(source.repo, entry)
    else:
        raise ModelNotFound(f"{config.model.name} holds no config.json", hint="name the folder of a saved model")
    weights = weight_files(entry, source.read)
    return CheckpointFiles(weights, files_to_load(source.paths, {entry, *weights}), model, adapter)


def read_headers(config: BenchmarkConfig, source: ModelSource, files: CheckpointFiles) -> dict[str, TensorInfo]:
    """The tensors of all files by name; none of pickles (``.bin``), which say it in no header.

    Raises:
        ModelNotFound: a file is not there.
        ModelLoadError: a header is damaged.
    """
    missing = [path for path in files.weights if path not in source.paths]
    if missing:
        raise ModelNotFound(f"{config.model.name} lacks {missing[0]}, which its index names")
    if not files.have_headers:
        return {}
    with ThreadPoolExecutor(HEADERS_AT_ONCE) as pool:
        return {name: info for header in pool.map(source.tensors, files.weights) for name, info in header.items()}


def count_parameters(source: ModelSource, files: CheckpointFiles, tensors: Mapping[str, TensorInfo]) -> Weights | None:
    """From the headers; of pickles from their size, all but some kB of which are numbers."""
    if not files.have_headers:
        return _count_pickles(source, files)
    return count_weights(tensors, tied=bool((files.config or {}).get("tie_word_embeddings")))


def _count_pickles(source: ModelSource, files: CheckpointFiles) -> Weights | None:
    if files.config is None or not all(path.endswith(".bin") for path in files.weights):
        return None
    said = stored_dtype(files.config)
    dtype = said if said in BYTES else "float32"
    return Weights({dtype: sum(map(source.size, files.weights)) // BYTES[dtype]})


def looks_like_path(name: str) -> bool:
    """Whether a name can only be a path: the Hub's names are ``name`` or ``org/name``."""
    return name.startswith(("/", "./", "../", "~")) or name.count("/") > 1 or name.endswith("/")
