"""What a worker holds between requests: the prepared config, the benchmarks' tasks and the loaded model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchy.config import BenchmarkConfig
from benchy.errors import WorkerError
from benchy.protocol import Phase, Progress
from benchy.record import ModelIdentity

if TYPE_CHECKING:
    from benchy.worker.backends.loaded_model import LoadedModel
    from benchy.worker.harness.benchmarks import BuiltTasks
    from benchy.worker.replicas.pool import Replicas


@dataclass
class Session:
    """One worker's state. The model is loaded once, by whichever step needs it first."""

    emit: Callable[[Progress | Phase], None]
    """Sends an event to the host."""
    config: BenchmarkConfig | None = None
    identity: ModelIdentity | None = None
    tasks: BuiltTasks | None = None
    """lm-eval's task objects; None before they are built, and once they hold answers."""
    model: LoadedModel | None = None
    """None until it is loaded."""
    replicas: Replicas | None = None
    """Those beside it, if the config asks for some."""
    load_seconds: float | None = None
    load_warnings: tuple[str, ...] = ()
    """Of the libraries that loaded the model."""

    def prepared(self) -> tuple[BenchmarkConfig, ModelIdentity]:
        """Return the config and model of ``prepare``.

        Raises:
            WorkerError: ``prepare`` was not asked for, or failed.
        """
        if self.config is None or self.identity is None:
            raise WorkerError("the worker was not prepared", hint="send `prepare` first")
        return self.config, self.identity
