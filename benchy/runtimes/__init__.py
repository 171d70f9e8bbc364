"""A runtime starts a GPU worker and talks to it; one per file."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchy.config import BenchmarkConfig
from benchy.runtimes.worker import Transport

Say = Callable[[list[str]], None]


@dataclass(frozen=True)
class RunIdentity:
    """Whose worker it is."""

    name: str
    run_id: str
    folder: Path
    """The run's own folder: the worker writes its files there."""
    flow_run_id: str | None = None
    """Prefect's, if the run was started there."""


class MustWait(Exception):
    """Another run has the GPUs, and the caller did not want to wait."""


class Runtime(Protocol):
    """Where workers run."""

    def start(
        self, config: BenchmarkConfig, run: RunIdentity, *, on_gpus: bool, say: Say, wait: bool = True
    ) -> Transport:
        """Start a worker.

        Args:
            config: which GPUs, and how many processes.
            run: whose worker it is.
            on_gpus: False for a worker that loads no model (the upload): it gets no GPU.
            say: gets lines for people, e.g. what is waited for.
            wait: for GPUs that another run has, as long as that takes.

        Raises:
            MustWait: another run has the GPUs, and ``wait`` is false.
            WorkerError: it cannot be started.
        """
        ...


def choose_runtime(config: BenchmarkConfig) -> Runtime:
    """The runtime that the config names; if it names none, Docker for a run on GPUs where an engine answers.

    Where this Python has no torch, as in the orchestrator's image, that holds for every run.
    """
    from benchy.runtimes.process import ProcessRuntime

    asks_for_gpus = config.gpus is not None or config.performance.num_gpus is not None
    wants_container = asks_for_gpus or importlib.util.find_spec("torch") is None
    if config.runtime == "process" or (config.runtime is None and not (wants_container and _engine_answers())):
        return ProcessRuntime()
    from benchy.runtimes.docker import DockerRuntime

    return DockerRuntime()


def runs_in_process(config: BenchmarkConfig) -> bool:
    """Whether the worker is a child process, with this Python's packages."""
    from benchy.runtimes.process import ProcessRuntime

    return isinstance(choose_runtime(config), ProcessRuntime)


def _engine_answers() -> bool:
    if importlib.util.find_spec("docker") is None:
        return False
    from benchy.errors import NoEngine
    from benchy.runtimes.docker import connect

    try:
        connect().close()
    except NoEngine:
        return False
    return True


def end_containers(flow_run_id: str) -> None:
    """Remove every container that a flow run left; does nothing where there is no engine."""
    if importlib.util.find_spec("docker") is None:
        return
    from benchy.errors import NoEngine
    from benchy.runtimes.docker import remove_containers

    with suppress(NoEngine):
        remove_containers(flow_run_id)
