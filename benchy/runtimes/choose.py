"""Chooses where a run's worker runs: in a child process or in a container."""

from __future__ import annotations

import importlib.util
from contextlib import suppress

from benchy.config import BenchmarkConfig
from benchy.runtimes.base import Runtime


def choose_runtime(config: BenchmarkConfig) -> Runtime:
    """The runtime that the config names; if it names none, Docker for a run on GPUs where an engine answers.

    Where this Python has no torch, as in the orchestrator's image, that holds for every run.
    """
    from benchy.runtimes.process import ProcessRuntime

    asks_for_gpus = config.gpus is not None or config.performance.num_gpus is not None
    wants_container = asks_for_gpus or importlib.util.find_spec("torch") is None
    if config.runtime == "process" or (config.runtime is None and not (wants_container and _engine_answers())):
        return ProcessRuntime()
    from benchy.runtimes.docker.runtime import DockerRuntime

    return DockerRuntime()


def runs_in_process(config: BenchmarkConfig) -> bool:
    """Whether the worker is a child process, with this Python's packages."""
    from benchy.runtimes.process import ProcessRuntime

    return isinstance(choose_runtime(config), ProcessRuntime)


def _engine_answers() -> bool:
    if importlib.util.find_spec("docker") is None:
        return False
    from benchy.errors import NoEngine
    from benchy.runtimes.docker.engine import connect

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
    from benchy.runtimes.docker.engine import remove_containers

    with suppress(NoEngine):
        remove_containers(flow_run_id)
