"""Facts about this host and the model before a byte is downloaded or a GPU is taken."""

from __future__ import annotations

from collections import Counter

from benchy.backends import find_backend
from benchy.benchmarks.index import require_tasks
from benchy.checkpoint.adapter import Base, base_of, has_tokenizer
from benchy.checkpoint.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from benchy.checkpoint.config_file import AdapterFile, ConfigFile
from benchy.checkpoint.memory import estimate_memory, judge_memory
from benchy.checkpoint.source import ModelSource
from benchy.checkpoint.weights import Weights
from benchy.config import BenchmarkConfig
from benchy.gpus.nvidia_smi import Gpu, configured_gpus, smallest_memory
from benchy.leaderboard.stores.hub_access import require_write_access
from benchy.preflight.benchmarks import Settings, check_answer_lengths, check_benchmarks
from benchy.preflight.device import check_device, check_dtype
from benchy.preflight.disk import check_download, require_writable
from benchy.preflight.model import check_model, require_chat_template
from benchy.preflight.plugins import check_plugins
from benchy.preflight.problems import Problems
from benchy.preflight.weights import check_weights
from benchy.preflight.worker_python import check_worker_python
from benchy.record import Facts, MemoryEstimate
from benchy.runtimes.base import Runtime
from benchy.runtimes.choose import choose_runtime, load_runtime
from benchy.runtimes.process import ProcessRuntime


def preflight(config: BenchmarkConfig, *, gpu_memory: int | None = None, runtime: str | None = None) -> Facts:
    """Check all that can be known here in a second or two.

    Args:
        config: what is to be run.
        gpu_memory: bytes of each GPU, on paper; those of this host's GPUs if not given.
        runtime: where the run's workers run, if that is chosen already.

    Raises:
        (the first of these that was found, with the others told in its notes)
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
        WrongVersion: the worker's own environment has another version of Benchy.
    """
    check_plugins(config)  # what the other checks ask for is the back end's and the runtime's own
    problems, evaluation = Problems(), config.evaluation
    problems.tried(require_tasks, evaluation.tasks, evaluation.include_path)
    tasks_are_known = not problems
    problems.tried(check_device, config)
    problems.tried(require_writable, config)
    if config.upload is not None:
        problems.tried(require_write_access, config.upload)
    chosen = problems.tried(lambda: load_runtime(runtime or choose_runtime(config)))
    other_packages = problems.tried(_has_other_packages, config, chosen) if chosen is not None else True
    if config.wandb is not None and chosen is not None:
        problems.tried(_require_wandb, chosen)
    source = problems.tried(open_checkpoint, config)
    settings: Settings = {}
    if tasks_are_known:
        own_files = chosen is not None and chosen.has_own_packages  # an image's worker sees what is mounted alone
        settings = (
            problems.tried(
                check_benchmarks, config, has_own_packages=other_packages is not False, has_own_files=own_files
            )
            or {}
        )
    facts = source if isinstance(source, Facts) else None
    if source is not None and not isinstance(source, Facts):
        facts = problems.tried(_examine, config, source, configured_gpus(config), gpu_memory)
    if facts is not None and facts.memory is not None:
        problems.tried(check_answer_lengths, config, settings, facts.memory.length)
    problems.raise_all()
    return facts or Facts()


def _has_other_packages(config: BenchmarkConfig, runtime: Runtime) -> bool:
    """Whether the worker has other packages than this Python's."""
    return check_worker_python(config) if isinstance(runtime, ProcessRuntime) else runtime.has_own_packages


def _examine(config: BenchmarkConfig, source: ModelSource, gpus: tuple[Gpu, ...], gpu_memory: int | None) -> Facts:
    checkpoint = read_checkpoint(config.model, source)
    if checkpoint.adapter is not None:
        return _examine_adapter(config, checkpoint, checkpoint.adapter, gpus, gpu_memory)
    check_model(config, checkpoint)
    check_weights(config.model, checkpoint)
    weights = checkpoint.count_parameters()
    download = check_download(checkpoint)
    slow, memory, tight = None, None, None
    if weights is not None and checkpoint.config is not None:
        slow = check_dtype(config, checkpoint.config, gpus)
        memory, tight = _fit(config, weights, checkpoint.config, gpu_memory or smallest_memory(gpus))
    return Facts(
        commit=download.commit,
        parameters=weights.parameters if weights and checkpoint.have_headers else None,
        bytes_by_dtype=weights.bytes_by_dtype if weights else {},
        download_bytes=download.total_bytes,
        missing_bytes=download.missing_bytes,
        memory=memory,
        warnings=tuple(filter(None, (slow, tight))),
    )


def _examine_adapter(
    config: BenchmarkConfig,
    checkpoint: Checkpoint,
    adapter: AdapterFile,
    gpus: tuple[Gpu, ...],
    gpu_memory: int | None,
) -> Facts:
    """Facts about an adapter and its base together."""
    base, brings_tokenizer = base_of(config.model, adapter), has_tokenizer(checkpoint.source.paths)
    if config.evaluation.apply_chat_template and brings_tokenizer:
        require_chat_template(config, checkpoint)
    download = check_download(checkpoint)
    weights = checkpoint.count_parameters()
    of_base = _facts_of_base(config, base, brings_tokenizer, gpus, gpu_memory)
    bytes_by_dtype = Counter(of_base.bytes_by_dtype) + Counter(weights.bytes_by_dtype if weights else {})
    return Facts(
        commit=download.commit,
        base=f"{base.name}@{of_base.commit}" if of_base.commit else base.name,
        parameters=of_base.parameters + weights.parameters if of_base.parameters and weights else None,
        bytes_by_dtype=dict(bytes_by_dtype),
        download_bytes=of_base.download_bytes + download.total_bytes,
        missing_bytes=of_base.missing_bytes + download.missing_bytes,
        memory=of_base.memory,
        warnings=of_base.warnings,
    )


def _facts_of_base(
    config: BenchmarkConfig, base: Base, other_tokenizer: bool, gpus: tuple[Gpu, ...], gpu_memory: int | None
) -> Facts:
    template = config.evaluation.apply_chat_template and not other_tokenizer
    model = config.model.renamed(base.name, revision=base.revision)
    config = config.with_model(model).with_evaluation(config.evaluation.with_chat_template(template))
    source = open_checkpoint(config)
    return source if isinstance(source, Facts) else _examine(config, source, gpus, gpu_memory) if source else Facts()


def _fit(
    config: BenchmarkConfig, weights: Weights, model: ConfigFile, gpu_memory: int | None
) -> tuple[MemoryEstimate | None, str | None]:
    if model.shape is None:
        return None, None
    sizes = weights.bytes_by_dtype
    stored = model.stored_dtype or max(sizes, key=lambda dtype: sizes[dtype])
    estimate = estimate_memory(config, weights, model.shape, stored_dtype=stored)
    spread = find_backend(config.model.backend).spreading
    return estimate, judge_memory(estimate, gpu_memory, spread=spread) if gpu_memory else None


def _require_wandb(runtime: Runtime) -> None:
    from benchy.wandb_access import require_wandb_key, require_wandb_package

    if not runtime.has_own_packages:  # what an image lacks, its worker says if it lacks one
        require_wandb_package()
    require_wandb_key()
