"""Chooses where a run's workers run: in child processes, in containers, or where another package says."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError
from benchy.plugins import load_plugin
from benchy.runtimes.base import Runtime
from benchy.worker_python import other_python

RUNTIMES: Mapping[str, str] = {
    "docker": "benchy.runtimes.docker.runtime:DockerRuntime",
    "process": "benchy.runtimes.process:ProcessRuntime",
}
"""Benchy's own, by name; none is imported before it is chosen."""


def choose_runtime(config: BenchmarkConfig) -> str:
    """Choose the runtime that the config names; if it names none, Docker for a run on GPUs where an engine answers.

    A config that names the worker's Python asks for a child process by that.

    Where this Python has no torch, as in the orchestrator's image, that holds for every run. An engine may start or end
    at any time: a run asks once, and keeps the answer in its record.
    """
    if config.runtime is not None:
        return config.runtime
    if config.worker.python is not None:
        return "process"
    asks_for_gpus = config.gpus is not None or config.performance.num_gpus is not None
    has_torch = importlib.util.find_spec("torch") is not None or other_python(None) is not None
    wants_container = asks_for_gpus or not has_torch
    return "docker" if wants_container and _has_docker() and load_runtime("docker").available() else "process"


def load_runtime(name: str) -> Runtime:
    """Load the runtime of a name, or of another package's ``package.module:Class``.

    Raises:
        ConfigError: it cannot be loaded.
    """
    kind: type[Runtime] = Runtime  # type: ignore[type-abstract]
    runtime = load_plugin(RUNTIMES.get(name, name), kind, key="runtime")
    if runtime is None:
        raise ConfigError(f'runtime: there is no "{name}"', hint=f"name one of {', '.join(RUNTIMES)}")
    return runtime


def end_workers(flow_run_id: str, runtime: str | None) -> None:
    """End every worker that a flow run left.

    Args:
        flow_run_id: Prefect's.
        runtime: where the run's config says that they run, if it says so.

    Raises:
        ConfigError: that runtime cannot be loaded.
    """
    if runtime is not None:
        load_runtime(runtime).end(flow_run_id)
    elif _has_docker():
        load_runtime("docker").end(flow_run_id)


def _has_docker() -> bool:
    """Whether this Python has the engine's client; importing it takes most of a second."""
    return importlib.util.find_spec("docker") is not None
