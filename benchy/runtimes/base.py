"""What every runtime is: it starts a worker and carries the messages to and from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from benchy.config import BenchmarkConfig
from benchy.errors import BenchyError

Say = Callable[[list[str]], None]
Role = Literal["fetch", "model", "publish"]
"""What a worker is for.

One that fetches has the token that reads, the network, and a cache that it may write; it runs no code of models or
benchmarks. One with the model has none of the three once it is prepared. One that publishes has the token that writes.
"""


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

    def start(self, config: BenchmarkConfig, run: RunIdentity, *, role: Role, say: Say, wait: bool = True) -> Transport:
        """Start a worker.

        Args:
            config: which GPUs, and how many processes.
            run: whose worker it is.
            role: what it is for: only a worker with the model gets GPUs.
            say: gets lines for people, e.g. what is waited for.
            wait: for GPUs that another run has, as long as that takes.

        Raises:
            MustWait: another run has the GPUs, and ``wait`` is false.
            WorkerError: it cannot be started.
        """
        ...


class Transport(Protocol):
    """A started worker as its runtime sees it: three byte streams and an end."""

    def send(self, line: bytes) -> None:
        """Write to its stdin. Raises OSError when it is gone."""

    def close_input(self) -> None:
        """End its stdin, which asks it to leave."""

    def answers(self) -> Iterator[bytes]:
        """Its stdout as it comes, until it ends; chunks are not lines."""
        ...

    def log(self) -> Iterator[bytes]:
        """Its stderr as it comes, until it ends; chunks are not lines."""
        ...

    def go_offline(self) -> None:
        """Cut it off from the network, where the runtime can. Raises WorkerError when that fails."""

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, within so many seconds."""
        ...

    def kill(self) -> None:
        """End it and all that it started, now. Does nothing if it has ended."""

    def explain_end(self) -> BenchyError:
        """Why it ended without an answer: signal, exit code, out of memory."""
        ...
