"""What a worker is started with: command, environment, folders, GPUs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchy.backends import find_backend
from benchy.checkpoint.adapter import base_folder
from benchy.config import BenchmarkConfig
from benchy.record import WORKER_FOLDER
from benchy.runtimes.base import Role, RunIdentity
from benchy.runtimes.passed_on import passed_on


def gpus_wanted(config: BenchmarkConfig) -> tuple[int | str, ...] | int:
    """The GPUs by name, or how many; 0 for a run without one."""
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


@dataclass(frozen=True)
class Share:
    """A folder of this machine that the worker must see, at its own path."""

    path: Path
    """Absolute."""
    writable: bool = False


def shared_folders(config: BenchmarkConfig, run: RunIdentity, *, role: Role) -> list[Share]:
    """The folders of this machine that the config names: what is read, and what is written.

    The rest of this machine, the config's own folder (and a ``.env`` beside it) included, stays out of sight.
    """
    if role == "publish":
        own = Share(run.folder.absolute(), writable=True)  # its tables may be larger than memory
        target = [config.upload.to] if config.upload and "://" not in config.upload.to else []
        return [own, *(Share(Path(folder).absolute(), writable=True) for folder in target)]
    named = [config.model.name, *(value for value in config.model.args.values() if isinstance(value, str))]
    models = _existing([*map(Path, named), *filter(None, map(base_folder, named))])
    read = list(dict.fromkeys([*models, *_task_folders(config)]))
    if role == "fetch":  # it looks whether each tensor is there, also in a folder
        return read
    return [*read, Share(run.folder.absolute() / WORKER_FOLDER, writable=True)]


def _task_folders(config: BenchmarkConfig) -> list[Share]:
    of_files = (Path(task).parent for task in config.evaluation.tasks if task.endswith(".yaml"))
    return _existing([*map(Path, config.evaluation.include_path), *of_files])


def _existing(folders: Iterable[Path]) -> list[Share]:
    return [Share(folder) for folder in dict.fromkeys(folder.absolute() for folder in folders if folder.is_dir())]


def worker_command(config: BenchmarkConfig, *, role: Role) -> list[str]:
    """The command line of a worker on this machine."""
    return launch_command(config, sys.executable, role=role)


def launch_command(config: BenchmarkConfig, interpreter: str, *, role: Role) -> list[str]:
    """The command line of a worker: one process, or with ``use_accelerate`` one for each GPU."""
    python = [interpreter, "-P"]  # -P: a folder `datasets` or `evaluate` here must not shadow the library
    performance = config.performance
    if role != "model" or not performance.use_accelerate:
        return [*python, "-m", "benchy.worker"]
    processes = len(config.gpus) if config.gpus else performance.num_gpus or 1
    options = {
        "num_processes": processes,
        "num_machines": 1,
        "mixed_precision": performance.mixed_precision,
        "dynamo_backend": "no",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    launch = [*python, "-m", "accelerate.commands.launch", *flags, *(["--multi_gpu"] if processes > 1 else [])]
    return [*launch, "--module", "benchy.worker"]


def worker_environment(config: BenchmarkConfig, host: Mapping[str, str], *, role: Role) -> dict[str, str]:
    """What a worker may see of the host's environment, and the configured GPUs alone.

    Tokens and keys travel in the requests that need them.
    """
    environment = passed_on(host, config.environment)
    if role == "model":
        environment |= {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}  # that of `hf auth login`
    if role != "model":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    elif config.gpus:
        environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # indices as nvidia-smi counts them
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(str(gpu) for gpu in config.gpus)
    elif (count := config.performance.num_gpus or config.performance.replicas) and "CUDA_VISIBLE_DEVICES" not in host:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(str(index) for index in range(count))
    return environment


def goes_offline(config: BenchmarkConfig) -> bool:
    """Whether the worker's container is cut off from the network once all is there."""
    return config.container.sandbox and find_backend(config.model.backend).loads_weights
