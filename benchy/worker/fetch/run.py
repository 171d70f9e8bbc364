"""Fetches all that a run needs from the Hub, in a worker that runs no code of models or benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from benchy.backends import find_backend
from benchy.benchmarks.files import hub_datasets, load_tasks
from benchy.config import BenchmarkConfig
from benchy.protocol import Phase, Progress
from benchy.record import Fetched
from benchy.worker.fetch.checkpoint import download_model, download_small_files, fetch_parts
from benchy.worker.fetch.datasets import DataSets
from benchy.worker.hf.dry_load import require_whole_weights

Emit = Callable[[Progress | Phase], None]


def fetch(config: BenchmarkConfig, data_sets: dict[str, str], emit: Emit, *, weights: bool = True) -> Fetched:
    """Fetch the benchmarks' data, and then the model, which takes longer.

    Args:
        config: the run's.
        data_sets: the commits that the run began with.
        emit: gets how far it is.
        weights: whether to fetch the model's weights too, or only what else it needs.

    Raises:
        ModelNotFound, ModelLoadError, AccessDenied, NetworkError, DiskFull: the model cannot be fetched.
        EvaluationFailed: a benchmark's data cannot be fetched.
    """
    started = time.monotonic()
    emit(Phase(name="download"))
    found = DataSets.at(data_sets)
    tasks = load_tasks(config.evaluation.tasks, config.evaluation.include_path) or []
    found.fetch([data for data in hub_datasets(tasks) if not data.by_code])
    fetch_model = _fetch_model if weights else _fetch_small_files
    parts, commit = _fetch_parts(config, emit, weights=weights), fetch_model(config, emit)
    return Fetched(data_sets=found.commits, parts=parts, commit=commit, seconds=time.monotonic() - started)


def _fetch_parts(config: BenchmarkConfig, emit: Emit, *, weights: bool) -> dict[str, str]:
    if not find_backend(config.model.backend).loads_weights:
        return {}
    return fetch_parts(config.model, config.download, emit, small=not weights)


def _fetch_model(config: BenchmarkConfig, emit: Emit) -> str | None:
    if not _is_on_hub(config):
        return None
    require_whole_weights(config)
    return download_model(config.model, config.download, emit).commit


def _fetch_small_files(config: BenchmarkConfig, emit: Emit) -> str | None:
    return download_small_files(config.model, config.download, emit) if _is_on_hub(config) else None


def _is_on_hub(config: BenchmarkConfig) -> bool:
    return find_backend(config.model.backend).loads_weights and not Path(config.model.name).is_dir()
