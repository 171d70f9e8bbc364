"""WorkerLaunch: all that a runtime must know to start a worker, decided once, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchy.backends import find_backend
from benchy.benchmarks.own_files import own_files
from benchy.checkpoint.adapter import base_folder
from benchy.config import BenchmarkConfig, ContainerConfig
from benchy.record import WORKER_FOLDER
from benchy.worker_python import other_python

Role = Literal["fetch", "build", "model", "publish"]
"""What a worker is for.

One that fetches has the token that reads, the network, and a cache that it may write; it runs no code of models or
benchmarks. One with the model has none of the three once it is prepared. One that only builds benchmarks is as that, on
no GPU. One that publishes has the token that writes.
"""
Gpus = tuple[int | str, ...] | int
"""GPUs by index, UUID or CDI name, or how many."""
Cache = Literal["write", "read"]


@dataclass(frozen=True)
class Share:
    """A folder of this machine that the worker must see, at its own path."""

    path: Path
    """Absolute."""
    writable: bool = False


@dataclass(frozen=True)
class WorkerLaunch:
    """What a worker is, whichever runtime starts it."""

    role: Role
    """What it is for. What a runtime does for that stands in the other fields."""
    arguments: tuple[str, ...]
    """Of the Python interpreter that runs it."""
    gpus: Gpus
    """Those that it needs, which a runtime that leases GPUs gives it, and no more; 0 for none."""
    visible_gpus: Gpus | None
    """Those that it may see where it could see all: by name; the first so many, unless this process sees some alone; or
    (None) all."""
    folders: tuple[Share, ...]
    """Those of this machine that the config names. The rest, the config's own folder (and a ``.env`` beside it)
    included, stays out of sight."""
    cache: Literal["write", "read"] | None
    """What it may do with the Hub cache that all runs share."""
    goes_offline: bool
    """Whether it is cut off from the network once all is there."""
    runs_own_code: bool
    """Whether code of the model's own repository may run in it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that it gets in any case."""
    passed_on: tuple[str, ...] = ()
    """Names of variables that it gets as this process has them, beside those that find programs and devices."""
    python: str | None = None
    """The interpreter of a child process; None for this one. A container has its image's."""
    container: ContainerConfig = field(default_factory=ContainerConfig)
    """The image and the limits of a container."""


_CACHE: Mapping[Role, Literal["write", "read"] | None] = {
    "fetch": "write",
    "build": "read",
    "model": "read",
    "publish": None,
}
_NO_STORED_TOKEN = {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
"""That of `hf auth login`."""


def launch_of(config: BenchmarkConfig, run_folder: Path, *, role: Role) -> WorkerLaunch:
    """Decide what a run's worker is.

    Args:
        config: the run's.
        run_folder: the run's own, of which the worker may write a part.
        role: what the worker is for: one with the model gets the GPUs.
    """
    has_model, runs_code = role == "model", role in ("model", "build")
    return WorkerLaunch(
        role=role,
        arguments=_accelerated(config) if has_model and config.performance.use_accelerate else _PLAIN,
        gpus=_gpus_wanted(config) if has_model else 0,
        visible_gpus=_visible_gpus(config) if has_model else 0,
        folders=tuple(_shared_folders(config, run_folder, role)),
        cache=_CACHE[role],
        goes_offline=has_model and config.container.sandbox and find_backend(config.model.backend).loads_weights,
        runs_own_code=runs_code and config.model.runs_own_code,
        environment=_environment(config) if runs_code else {},
        passed_on=config.environment,
        python=None if role == "publish" else other_python(config.worker.python),
        container=config.container,
    )


def _environment(config: BenchmarkConfig) -> dict[str, str]:
    """Return what a worker gets in which code of benchmarks runs; metrics that run the model's code ask for a yes."""
    confirmed = {"HF_ALLOW_CODE_EVAL": "1"} if config.evaluation.confirm_run_unsafe_code else {}
    return _NO_STORED_TOKEN | confirmed


_PLAIN = ("-P", "-m", "benchy.worker")
"""-P: a folder `datasets` or `evaluate` here must not shadow the library."""


def _accelerated(config: BenchmarkConfig) -> tuple[str, ...]:
    """One process for each GPU."""
    performance = config.performance
    processes = len(config.gpus) if config.gpus else performance.num_gpus or 1
    options = {
        "num_processes": processes,
        "num_machines": 1,
        "mixed_precision": performance.mixed_precision,
        "dynamo_backend": "no",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    several = ["--multi_gpu"] if processes > 1 else []
    return ("-P", "-m", "accelerate.commands.launch", *flags, *several, "--module", "benchy.worker")


def _gpus_wanted(config: BenchmarkConfig) -> Gpus:
    performance, device = config.performance, config.evaluation.device
    if config.gpus:
        return config.gpus
    if performance.num_gpus:
        return performance.num_gpus
    if not find_backend(config.model.backend).loads_weights:
        return 0
    if performance.use_accelerate:
        return 1
    if not device.startswith("cuda"):
        return 0
    return performance.replicas or int(device.partition(":")[2] or 0) + 1


def _visible_gpus(config: BenchmarkConfig) -> Gpus | None:
    return config.gpus or config.performance.num_gpus or config.performance.replicas


def _shared_folders(config: BenchmarkConfig, run_folder: Path, role: Role) -> list[Share]:
    if role == "publish":
        own = Share(run_folder.absolute(), writable=True)  # its tables may be larger than memory
        board = config.upload and config.upload.folder
        return [own, *([Share(board.absolute(), writable=True)] if board else [])]
    named = [config.model.name, *(value for value in config.model.args.values() if isinstance(value, str))]
    models = _existing([*map(Path, named), *filter(None, map(base_folder, named))])
    read = list(dict.fromkeys([*models, *_task_folders(config)]))
    if role == "fetch":  # it looks whether each tensor is there, also in a folder
        return read
    return [*read, Share(run_folder.absolute() / WORKER_FOLDER, writable=True)]


def _task_folders(config: BenchmarkConfig) -> list[Share]:
    of_files = (Path(path).parent for task in config.evaluation.tasks for path in own_files(task))
    return _existing([*map(Path, config.evaluation.include_path), *of_files])


def _existing(folders: Iterable[Path]) -> list[Share]:
    return [Share(folder) for folder in dict.fromkeys(folder.absolute() for folder in folders if folder.is_dir())]
