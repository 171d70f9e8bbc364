"""Checks what is asked of a back end against what it can do."""

from __future__ import annotations

from benchy.backends import find_backend
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError


def check_backend(config: BenchmarkConfig) -> None:
    """Check that the back end is there, if another package brings it, and knows the ways to use several GPUs.

    Raises:
        ConfigError: it does not.
    """
    if problem := find_backend(config.model.backend).problem_with(config.performance.ways):
        raise ConfigError(problem, hint="drop the key, or name another model.backend")
