"""Facts about this host and the model before a byte is downloaded or a GPU is taken."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchy import hub
from benchy.config import BenchmarkConfig
from benchy.device_checks import check_dtype
from benchy.errors import ConfigError, DiskFull, ModelNotFound
from benchy.gpus import Gpu, configured_gpus, smallest_memory
from benchy.hub_failures import Repo, cache_folder
from benchy.leaderboard.access import require_write_access
from benchy.memory import estimate_memory, in_gb, judge_memory, read_shape, stored_dtype
from benchy.model_checks import check_model
from benchy.model_files import files_to_load, find_weights, loads_weights, weight_files
from benchy.model_source import HubModel, ModelSource, open_folder, open_repository, read_json
from benchy.record import Facts, MemoryEstimate
from benchy.task_checks import check_benchmarks
from benchy.task_index import require_tasks
from benchy.weights import BYTES, Weights, count_weights

HEADERS_AT_ONCE = 8


def preflight(config: BenchmarkConfig, *, gpu_memory: int | None = None) -> Facts:
    """Check all that can be known here in a second or two.

    Args:
        config: what is to be run.
        gpu_memory: bytes of each GPU, on paper; those of this host's GPUs if not given.

    Raises:
        TaskNotFound: lm-eval knows no such task.
        ModelNotFound: no such folder, repository or revision, or no weights in it.
        ModelLoadError: weights or an architecture that the back end cannot load.
        AccessDenied: the model or a data set is private or gated, the leaderboard may not be written, or a token
            (Weights & Biases' key too) is missing or not valid.
        NetworkError: the Hub cannot be reached.
        NotEnoughMemory: the weights alone are too big for a GPU.
        DiskFull: the cache has no space for what is to be fetched.
        ConfigError: results could not be written, or the model cannot do what is asked for.
        EvaluationFailed: a data set does not exist.
    """
    require_tasks(config.evaluation.tasks, config.evaluation.include_path)
    _require_writable(config)
    if config.upload is not None:
        require_write_access(config.upload)
    if config.wandb is not None:
        _require_wandb(config)
    source = _open(config)
    check_benchmarks(config)
    if source is None:
        return Facts()
    if isinstance(source, Facts):
        return source
    return _examine(config, source, configured_gpus(config), gpu_memory)


def _open(config: BenchmarkConfig) -> ModelSource | Facts | None:
    """The model's files; None behind an API, and only the commit where the network is forbidden."""
    if not loads_weights(config.model):
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


def _examine(config: BenchmarkConfig, source: ModelSource, gpus: tuple[Gpu, ...], gpu_memory: int | None) -> Facts:
    files = _choose_files(config, source)
    weights = _count(config, source, files)
    facts = Facts(
        parameters=weights.parameters if weights and files.have_headers else None,
        bytes_by_dtype=weights.bytes_by_dtype if weights else {},
    )
    if isinstance(source, HubModel):
        facts = facts.model_copy(update=_download(source, files))
    if weights is None or files.config is None:
        return facts
    slow = check_dtype(config, files.config, gpus)
    memory, tight = _fit(config, weights, files.config, gpu_memory or smallest_memory(gpus))
    return facts.model_copy(update={"memory": memory, "warnings": tuple(filter(None, (slow, tight)))})


@dataclass(frozen=True)
class _Files:
    """Those of a model that matter."""

    weights: list[str]
    loaded: list[str]
    """Weights and all small files."""
    config: dict[str, Any] | None
    """The config.json; None for an adapter or a GGUF file."""

    @property
    def have_headers(self) -> bool:
        """Whether the weights' files say themselves what they hold."""
        return all(path.endswith(".safetensors") for path in self.weights)


def _choose_files(config: BenchmarkConfig, source: ModelSource) -> _Files:
    """The files that are loaded; reading one of them proves access, since gated repositories list theirs."""
    entry = find_weights(source.paths, config.model)
    folder = entry.rpartition("/")[0]
    path = f"{folder}/config.json" if folder else "config.json"
    model = None
    if path in source.paths:
        model = read_json(source, path)
        check_model(config, model, source.paths, lambda name: read_json(source, name))
    elif entry.endswith(".gguf"):
        if isinstance(source, HubModel):
            hub.require_access(source.repo, entry)
    elif "adapter_config.json" in source.paths:
        read_json(source, "adapter_config.json")
    else:
        raise ModelNotFound(f"{config.model.name} holds no config.json", hint="name the folder of a saved model")
    weights = weight_files(entry, source.read)
    return _Files(weights, files_to_load(source.paths, {entry, *weights}), model)


def _count(config: BenchmarkConfig, source: ModelSource, files: _Files) -> Weights | None:
    """From the headers; of pickles (``.bin``) from their size, all but some kB of which are numbers."""
    missing = [path for path in files.weights if path not in source.paths]
    if missing:
        raise ModelNotFound(f"{config.model.name} lacks {missing[0]}, which its index names")
    if not files.have_headers:
        return _count_pickles(source, files)
    tied = bool((files.config or {}).get("tie_word_embeddings"))
    with ThreadPoolExecutor(HEADERS_AT_ONCE) as pool:
        return count_weights(pool.map(source.tensors, files.weights), tied=tied)


def _count_pickles(source: ModelSource, files: _Files) -> Weights | None:
    if files.config is None or not all(path.endswith(".bin") for path in files.weights):
        return None
    said = stored_dtype(files.config)
    dtype = said if said in BYTES else "float32"
    return Weights({dtype: sum(map(source.size, files.weights)) // BYTES[dtype]})


def _download(source: HubModel, files: _Files) -> dict[str, object]:
    """What is to be fetched, against the free space of the cache's disk.

    The listing and the cache's blobs tell it; ``snapshot_download(dry_run=True)`` says the same with a request a file.
    """
    missing = [path for path in files.loaded if not hub.blob_path(source.repo, source.files[path]).is_file()]
    needed = sum(source.size(path) for path in missing)
    cache = cache_folder().absolute()
    free = shutil.disk_usage(next(folder for folder in (cache, *cache.parents) if folder.is_dir())).free
    if needed > free:
        raise DiskFull(
            f"{source.repo.name} needs {in_gb(needed)} more in {cache}, which has {in_gb(free)} free",
            hint="free some space, or move HF_HOME to a larger disk",
        )
    return {
        "commit": source.repo.revision,
        "download_bytes": sum(source.size(path) for path in files.loaded),
        "missing_bytes": needed,
    }


def _fit(
    config: BenchmarkConfig, weights: Weights, model: dict[str, Any], gpu_memory: int | None
) -> tuple[MemoryEstimate | None, str | None]:
    shape = read_shape(model)
    if shape is None:
        return None, None
    sizes = weights.bytes_by_dtype
    stored = stored_dtype(model) or max(sizes, key=lambda dtype: sizes[dtype])
    estimate = estimate_memory(config, weights, shape, stored_dtype=stored)
    return estimate, judge_memory(estimate, gpu_memory) if gpu_memory else None


def looks_like_path(name: str) -> bool:
    """Whether a name can only be a path: the Hub's names are ``name`` or ``org/name``."""
    return name.startswith(("/", "./", "../", "~")) or name.count("/") > 1 or name.endswith("/")


def _require_wandb(config: BenchmarkConfig) -> None:
    from benchy.runtimes import runs_in_process
    from benchy.wandb_access import require_wandb_key, require_wandb_package

    if runs_in_process(config):  # the packages of a container are its image's own: its worker says if it lacks one
        require_wandb_package()
    require_wandb_key()


def _require_writable(config: BenchmarkConfig) -> None:
    """An output folder that cannot be written is found now, not after the evaluation."""
    for key, path in (
        ("evaluation.output_path", config.evaluation.output_path),
        ("logging.log_dir", config.logging.log_dir),
    ):
        nearest = next(p for p in (Path(path).absolute(), *Path(path).absolute().parents) if p.exists())
        if not nearest.is_dir():
            raise ConfigError(f'{key}: "{nearest}" is a file, not a folder')
