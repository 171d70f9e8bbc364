"""A runtime starts a GPU worker and talks to it; one per file."""

from __future__ import annotations

from typing import Protocol

from benchy.config import BenchmarkConfig
from benchy.runtimes.worker import Transport


class Runtime(Protocol):
    """Where workers run."""

    def start(self, config: BenchmarkConfig, *, on_gpus: bool) -> Transport:
        """Start a worker.

        Args:
            config: which GPUs, and how many processes.
            on_gpus: False for a worker that loads no model (the upload): it gets no GPU.

        Raises:
            WorkerError: it cannot be started.
        """
        ...


def choose_runtime(config: BenchmarkConfig) -> Runtime:
    """The runtime that the config names."""
    from benchy.runtimes.process import ProcessRuntime

    match config.runtime:
        case "process":
            return ProcessRuntime()
