"""Fetches all that a run needs, and finds out what cannot work, before a model is loaded."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from benchy.config import BenchmarkConfig
from benchy.garbage import collecting_no_garbage
from benchy.hub import go_offline
from benchy.model_files import loads_weights
from benchy.protocol import Phase, Prepare, Progress
from benchy.record import ModelIdentity, Prepared
from benchy.wandb_access import require_wandb_package
from benchy.worker.data_sets import DataSets
from benchy.worker.download import download_model, download_parts
from benchy.worker.environment import describe_environment, require_devices, require_pinned_gpus
from benchy.worker.libraries import import_libraries
from benchy.worker.model import lm_eval_arguments
from benchy.worker.session import Session
from benchy.worker.tasks import build_tasks

logger = logging.getLogger(__name__)


def prepare(session: Session, request: Prepare) -> Prepared:
    """Look at the devices, fetch the model and the benchmarks' data.

    Raises:
        GpuNotFound: a configured device is not here.
        ConfigError: the package for Weights & Biases is not here.
        ModelLoadError: the back end is not known or not installed.
        ModelNotFound, AccessDenied, NetworkError: the model cannot be fetched.
        TaskNotFound, EvaluationFailed: a benchmark cannot be built.
    """
    config = request.config
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.update(request.server_keys)
    session.emit(Phase(name="prepare"))
    with collecting_no_garbage():
        require_pinned_gpus()
        require_devices(config)
        if config.wandb is not None:
            require_wandb_package()
        import_libraries(config)
    started = time.monotonic()
    session.emit(Phase(name="download"))
    identity = _fetch_model(config, session.emit)
    if identity.source != "api":
        model, parts = download_parts(config.model, config.download, session.emit)
        config = config.model_copy(update={"model": model})
        identity = identity.model_copy(update={"parts": parts})
    download_seconds, data_sets = time.monotonic() - started, DataSets(dict(request.data_sets))
    if config.evaluation.tasks:  # `benchy test` has none
        session.emit(Phase(name="task build"))
        with data_sets.pinned():
            session.tasks = build_tasks(config, lm_eval_arguments(config, identity))
        session.tasks.build_seconds -= data_sets.seconds
    if identity.source != "api":
        go_offline()  # what is loaded now is what was fetched, at that commit
    session.config, session.identity = config, identity
    return Prepared(
        model=identity,
        environment=describe_environment(),
        benchmarks=session.tasks.benchmarks if session.tasks else (),
        data_sets=data_sets.commits,
        download_seconds=download_seconds + data_sets.seconds,
    )


def _fetch_model(config: BenchmarkConfig, emit: Callable[[Progress], None]) -> ModelIdentity:
    folder = Path(config.model.name)
    if folder.is_dir():
        return ModelIdentity(name=config.model.name, source="folder", content_hash=hash_folder(folder))
    if not loads_weights(config.model):
        return ModelIdentity(name=config.model.name, source="api")
    return download_model(config.model, config.download, emit)


def hash_folder(folder: Path) -> str:
    """SHA-256 over the relative names and the contents of a folder's files, in order of their names."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and ".cache" not in p.parts):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()
