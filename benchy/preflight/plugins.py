"""Checks what other packages bring, a back end or a runtime, and what is asked of a back end."""

from __future__ import annotations

from benchy.backends import find_backend
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError
from benchy.runtimes.choose import RUNTIMES, load_runtime


def check_plugins(config: BenchmarkConfig) -> None:
    """Check that the config's back end and runtime are there, and that the back end can use several GPUs as it is told.

    Raises:
        ConfigError: one is not there, or the back end cannot.
    """
    if config.runtime is not None and config.runtime not in RUNTIMES:
        load_runtime(config.runtime)
    if problem := find_backend(config.model.backend).problem_with(config.performance.ways):
        raise ConfigError(problem, hint="drop the key, or name another model.backend")
