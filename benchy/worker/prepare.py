"""Fetches all that a run needs, and finds out what cannot work, before a model is loaded."""

from __future__ import annotations

import logging
import os
import time

from benchy.fast_imports import collecting_no_garbage
from benchy.hub import go_offline
from benchy.protocol import Phase, Prepare
from benchy.record import Prepared
from benchy.wandb_access import require_wandb_package
from benchy.worker.backends.imports import import_libraries
from benchy.worker.backends.lm import lm_eval_arguments
from benchy.worker.fetch.checkpoint import download_parts, fetch_model
from benchy.worker.fetch.datasets import DataSets
from benchy.worker.harness.benchmarks import build_tasks
from benchy.worker.hf.dry_load import require_whole_weights
from benchy.worker.machine.devices import require_devices, require_pinned_gpus
from benchy.worker.machine.environment import describe_environment
from benchy.worker.session import Session

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
    require_whole_weights(config)
    identity = fetch_model(config, session.emit)
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
