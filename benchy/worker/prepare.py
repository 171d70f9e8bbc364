"""Fetches all that a run needs, and finds out what cannot work, before a model is loaded."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from benchy.checkpoint.files import source_of
from benchy.checkpoint.source import folder_name
from benchy.config import BenchmarkConfig, ModelConfig
from benchy.fast_imports import collecting_no_garbage
from benchy.hub import go_offline
from benchy.protocol import Phase, Prepare
from benchy.record import Fetched, Imported, ModelIdentity, Prepared
from benchy.wandb_access import require_wandb_package
from benchy.worker.backends.imports import import_libraries
from benchy.worker.backends.lm import lm_eval_arguments
from benchy.worker.fetch.checkpoint import hash_folder, upon_base, with_part_folders
from benchy.worker.fetch.datasets import DataSets
from benchy.worker.fetch.run import fetch
from benchy.worker.fetch.shared_cache import link_fetched
from benchy.worker.harness.benchmarks import build_tasks
from benchy.worker.harness.trusted_loaders import holding_loaders_to
from benchy.worker.machine.devices import require_devices, require_pinned_gpus
from benchy.worker.machine.environment import describe_environment
from benchy.worker.session import Session
from benchy.worker_python import other_python

logger = logging.getLogger(__name__)


def import_all(session: Session, config: BenchmarkConfig) -> Imported:
    """Look at the devices, and import what building, loading and evaluating need.

    Raises:
        GpuNotFound: a configured device is not here.
        ConfigError: the package for Weights & Biases is not here.
        ModelLoadError: the back end is not known or not installed.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    session.emit(Phase(name="prepare"))
    with collecting_no_garbage():
        require_pinned_gpus()
        require_devices(config)
        if config.wandb is not None and other_python(config.worker.python) is None:  # else the host's Python shows it
            require_wandb_package()
        import_libraries(config)
    return Imported()


def prepare(session: Session, request: Prepare) -> Prepared:
    """Build the benchmarks from what was fetched; without a token, since their code and the model's runs here.

    Raises:
        As :func:`import_all`.
        ModelNotFound, AccessDenied, NetworkError: nothing was fetched before, and the model cannot be.
        TaskNotFound, EvaluationFailed: a benchmark cannot be built.
    """
    config = request.config
    os.environ.update(request.server_keys)
    import_all(session, config)
    fetched = request.fetched or fetch(config, request.data_sets, session.emit)
    identity = _identity(config, fetched)
    config = with_fetched(config, fetched)
    data_sets = DataSets.at(request.data_sets, fetched.data_sets)
    if config.evaluation.tasks:  # `benchy test` has none
        session.emit(Phase(name="task build"))
        arguments = lm_eval_arguments(config, identity)
        with data_sets.pinned(), holding_loaders_to(arguments):
            session.tasks = build_tasks(config, arguments)
        session.tasks.build_seconds -= data_sets.seconds
    if identity.source != "api":
        go_offline()  # what is loaded now is what was fetched, at that commit
    session.config, session.identity = config, identity
    return Prepared(
        model=identity,
        environment=describe_environment(),
        benchmarks=session.tasks.benchmarks if session.tasks else (),
        data_sets=data_sets.versions,
        download_seconds=fetched.seconds + data_sets.seconds,
    )


def with_fetched(config: BenchmarkConfig, fetched: Fetched) -> BenchmarkConfig:
    """Return the config with the folders of what was fetched for this worker, which are linked into its cache."""
    link_fetched(config.model, fetched)
    return config.with_model(upon_base(with_part_folders(config.model, fetched.parts), fetched.commit))


def _identity(config: BenchmarkConfig, fetched: Fetched) -> ModelIdentity:
    name, parts, source = config.model.name, _parts(config, fetched), source_of(config.model)
    if source == "folder":
        content = hash_folder(Path(name), config.model)
        return ModelIdentity(name=folder_name(name), source="folder", content_hash=content, parts=parts)
    return ModelIdentity(name=name, source=source, commit=fetched.commit, parts=parts)


def _parts(config: BenchmarkConfig, fetched: Fetched) -> dict[str, str]:
    """Return the commit of each part; ``base`` is what an adapter is loaded upon, and may be a folder."""
    parts = {"base" if part == "pretrained" else part: commit for part, commit in fetched.parts.items()}
    base = config.model.args.get("pretrained")
    if isinstance(base, str) and Path(base).is_dir():
        parts["base"] = hash_folder(Path(base), ModelConfig(name=base))
    return parts
