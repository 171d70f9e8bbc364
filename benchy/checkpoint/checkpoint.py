"""Checkpoint: a model's files, and what they say before any of them is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchy import hub
from benchy.backends import find_backend
from benchy.checkpoint.adapter import ADAPTER_FILE, is_adapter
from benchy.checkpoint.config_file import AdapterFile, ConfigFile, chat_template_names
from benchy.checkpoint.files import files_to_load, find_weights, name_some, weight_files
from benchy.checkpoint.source import HubModel, ModelSource, list_files, open_folder, open_repository, read_json
from benchy.checkpoint.weights import BYTES, TensorInfo, Weights, count_weights
from benchy.config import BenchmarkConfig, ModelConfig
from benchy.errors import ModelNotFound
from benchy.hub import Repo
from benchy.record import Facts

HEADERS_AT_ONCE = 8


def open_checkpoint(config: BenchmarkConfig) -> ModelSource | Facts | None:
    """Return the model's files; None behind an API, and only the commit where the network is forbidden."""
    if not find_backend(config.model.backend).loads_weights:
        return None
    name = config.model.name
    if Path(name).is_dir():
        return open_folder(Path(name))
    if looks_like_path(name):
        raise ModelNotFound(f'no folder "{name}"', hint=f"paths are relative to {Path.cwd()}")
    repo = Repo(name, revision=config.model.revision)
    if hub.is_offline():
        return Facts(commit=_cached_commit(repo, config.model))
    source = open_repository(repo)
    hub.remember_commit(repo, source.repo.revision or "")
    return source


def _cached_commit(repo: Repo, model: ModelConfig) -> str:
    """Return the commit in the cache, where its weights are there too: a config alone comes from a check."""
    commit = hub.cached_commit(repo)
    folder = hub.repository_folder(repo) / "snapshots" / commit
    paths = set(list_files(folder))
    hint = "unset HF_HUB_OFFLINE to fetch them"
    if ADAPTER_FILE in paths:
        return commit
    try:
        weights = weight_files(find_weights(paths, model), folder.joinpath)
    except ModelNotFound as error:
        raise ModelNotFound(f"the cache holds no weights of {repo.name} at {commit}", hint=hint) from error
    if missing := [path for path in weights if path not in paths]:
        raise ModelNotFound(f"the cache lacks {name_some(missing)} of {repo.name} at {commit}", hint=hint)
    return commit


@dataclass(frozen=True)
class Checkpoint:
    """The files of a model that matter, and what they say; each is read at most once."""

    name: str
    """As the config names the model."""
    source: ModelSource
    weights: list[str]
    """The paths of the files that hold weights."""
    loaded: list[str]
    """Those of weights and all small files."""
    config: ConfigFile | None
    """None for an adapter or a GGUF file."""
    adapter: AdapterFile | None = None
    """None for a whole model."""

    @property
    def have_headers(self) -> bool:
        """Whether the weights' files say themselves what they hold."""
        return all(path.endswith(".safetensors") for path in self.weights)

    @cached_property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """The tensors of all files by name; none of pickles (``.bin``), which say it in no header.

        Raises:
            ModelNotFound: a file is not there.
            ModelLoadError: a header is damaged.
        """
        missing = [path for path in self.weights if path not in self.source.paths]
        if missing:
            raise ModelNotFound(f"{self.name} lacks {missing[0]}, which its index names")
        if not self.have_headers:
            return {}
        with ThreadPoolExecutor(HEADERS_AT_ONCE) as pool:
            headers = pool.map(self.source.tensors, self.weights)
            return {name: info for header in headers for name, info in header.items()}

    @cached_property
    def chat_templates(self) -> frozenset[str]:
        """The names of the chat templates; the main one is ``default``."""
        folder, paths = "additional_chat_templates/", self.source.paths
        names = {path.removeprefix(folder).removesuffix(".jinja") for path in paths if path.startswith(folder)}
        if "chat_template.jinja" in paths or "chat_template.json" in paths:
            names.add("default")
        if "tokenizer_config.json" in paths:
            names |= chat_template_names(read_json(self.source, "tokenizer_config.json"))
        return frozenset(names)

    def count_parameters(self) -> Weights | None:
        """Count from the headers; of pickles from their size, all but some kB of which are numbers."""
        if self.have_headers:
            return count_weights(self.tensors, tied=bool(self.config and self.config.ties_embeddings))
        if self.config is None or not all(path.endswith(".bin") for path in self.weights):
            return None
        said = self.config.stored_dtype
        dtype = said if said in BYTES else "float32"
        return Weights({dtype: sum(map(self.source.size, self.weights)) // BYTES[dtype]})


def read_checkpoint(model: ModelConfig, source: ModelSource) -> Checkpoint:
    """Choose the files that are loaded; reading one of them proves access, since gated repositories list theirs.

    Raises:
        ModelNotFound: there are no weights, or no config.json.
        ModelLoadError: a file is damaged, or the back end cannot load it.
        AccessDenied, NetworkError: one cannot be read.
    """
    entry = find_weights(source.paths, model)
    folder = entry.rpartition("/")[0]
    path = f"{folder}/config.json" if folder else "config.json"
    config = adapter = None
    if is_adapter(entry) and ADAPTER_FILE in source.paths:
        adapter = AdapterFile.parse(read_json(source, ADAPTER_FILE))
    elif path in source.paths:
        config = ConfigFile.parse(read_json(source, path))
    elif entry.endswith(".gguf"):
        if isinstance(source, HubModel):
            hub.require_access(source.repo, entry)
    else:
        raise ModelNotFound(f"{model.name} holds no config.json", hint="name the folder of a saved model")
    weights = weight_files(entry, source.read)
    return Checkpoint(model.name, source, weights, files_to_load(source.paths, {entry, *weights}), config, adapter)


def looks_like_path(name: str) -> bool:
    """Whether a name can only be a path: the Hub's names are ``name`` or ``org/name``."""
    return name.startswith(("/", "./", "../", "~")) or name.count("/") > 1 or name.endswith("/")
