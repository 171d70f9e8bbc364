"""What every runtime is: it starts a worker and carries the messages to and from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from benchy.errors import BenchyError
from benchy.runtimes.launch import WorkerLaunch

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


@runtime_checkable
class Runtime(Protocol):
    """Where workers run. It is made without arguments, and connects to nothing before it is asked to."""

    has_own_packages: bool
    """Whether its workers have other packages than this Python's, as those of an image."""

    def available(self) -> bool:
        """Return whether it can be used here, now."""
        ...

    def start(self, launch: WorkerLaunch, run: RunIdentity, *, say: Say, wait: bool = True) -> Transport:
        """Start a worker.

        Args:
            launch: what it is.
            run: whose worker it is.
            say: gets lines for people, e.g. what is waited for.
            wait: for GPUs that another run has, as long as that takes.

        Raises:
            MustWait: another run has the GPUs, and ``wait`` is false.
            WorkerError: it cannot be started.
        """
        ...

    def leases(self) -> Mapping[str, str]:
        """Return the GPUs that runs have here: UUID to the run's name."""
        ...

    def end(self, flow_run_id: str) -> None:
        """End every worker that a flow run of Prefect's left, now; whose process is gone closes no input any more."""
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
