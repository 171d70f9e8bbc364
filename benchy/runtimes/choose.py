"""Chooses where a run's workers run: in child processes or in containers."""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from typing import Literal, get_args

from benchy.config import BenchmarkConfig
from benchy.runtimes.base import Runtime

RuntimeName = Literal["docker", "process"]
RUNTIMES: tuple[RuntimeName, ...] = get_args(RuntimeName)


def choose_runtime(config: BenchmarkConfig) -> RuntimeName:
    """Choose the runtime that the config names; if it names none, Docker for a run on GPUs where an engine answers.

    Where this Python has no torch, as in the orchestrator's image, that holds for every run. An engine may start or end
    at any time: a run asks once, and keeps the answer in its record.
    """
    if config.runtime is not None:
        return config.runtime
    asks_for_gpus = config.gpus is not None or config.performance.num_gpus is not None
    wants_container = asks_for_gpus or importlib.util.find_spec("torch") is None
    return "docker" if wants_container and _engine_answers() else "process"


def load_runtime(name: str) -> Runtime:
    """Load the runtime of a name."""
    if name == "process":
        from benchy.runtimes.process import ProcessRuntime

        return ProcessRuntime()
    from benchy.runtimes.docker.runtime import DockerRuntime

    return DockerRuntime()


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
