"""A child process on this machine: the embedded default."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO

from benchy.errors import BenchyError, WorkerError
from benchy.own_memory import close_to_others
from benchy.runtimes.base import RunIdentity, Say
from benchy.runtimes.endings import ended_by, ended_with
from benchy.runtimes.launch import WorkerLaunch
from benchy.runtimes.passed_on import passed_on
from benchy.worker_python import in_environment_of

CHUNK_BYTES = 1 << 16
OPEN_TO_MODEL_CODE = (
    "⚠️ code of the model runs as the same root that started it, with no walls: it can read every token and key of this"
    " machine's processes; `runtime: docker`, or another user than root, keeps them from it"
)


class ProcessRuntime:
    """Starts workers as child processes, with this Python or that of another environment."""

    has_own_packages = False

    def available(self) -> bool:
        """Return true: a process can always be started."""
        return True

    def start(
        self,
        launch: WorkerLaunch,
        run: RunIdentity,  # noqa: ARG002 - a child needs no name: it ends with its parent
        *,
        say: Say,
        wait: bool = True,  # noqa: ARG002
    ) -> ProcessTransport:
        """Start a worker.

        Raises:
            WorkerError: the process cannot be started.
        """
        if not close_to_others() and launch.runs_own_code:
            say([OPEN_TO_MODEL_CODE])
        try:
            process = subprocess.Popen(
                [launch.python or sys.executable, *launch.arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=worker_environment(launch, os.environ),
                start_new_session=True,  # Ctrl-C reaches the host alone, which then ends the worker
            )
        except OSError as error:
            raise WorkerError(
                f"the worker cannot be started: {error}", hint="check the folder of that Python"
            ) from error
        return ProcessTransport(process)

    def leases(self) -> Mapping[str, str]:
        """Return none: nobody leases the GPUs of child processes."""
        return {}

    def end(self, flow_run_id: str) -> None:
        """Do nothing: a child process ends with its parent."""


def worker_environment(launch: WorkerLaunch, host: Mapping[str, str]) -> dict[str, str]:
    """Return what a child process may see of the host's environment, and the configured GPUs alone.

    Tokens and keys travel in the requests that need them.
    """
    environment = passed_on(host, launch.passed_on) | dict(launch.environment)
    if launch.python is not None:
        environment = in_environment_of(launch.python, environment, keep=launch.passed_on)
    match launch.visible_gpus:
        case tuple(named):
            environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # indices as nvidia-smi counts them
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, named))
        case int(count) if count == 0 or "CUDA_VISIBLE_DEVICES" not in host:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, range(count)))
    return environment


class ProcessTransport:
    """A worker that is a child process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - Popen was given pipes
        self._stdin: IO[bytes] = process.stdin
        self._stdout: IO[bytes] = process.stdout
        self._stderr: IO[bytes] = process.stderr

    @property
    def pid(self) -> int:
        """The process; it leads a process group of its own."""
        return self._process.pid

    def send(self, line: bytes) -> None:
        """Write to its stdin. Raises OSError when it is gone."""
        self._stdin.write(line)
        self._stdin.flush()

    def close_input(self) -> None:
        """End its stdin, which asks it to leave."""
        with suppress(OSError):  # it is gone, and with it what was not yet sent
            self._stdin.close()

    def answers(self) -> Iterator[bytes]:
        """Its stdout as it comes."""
        return _chunks(self._stdout)

    def log(self) -> Iterator[bytes]:
        """Its stderr as it comes."""
        return _chunks(self._stderr)

    def go_offline(self) -> None:
        """Do nothing: a child process has the network of this machine."""

    def wait(self, seconds: float | None) -> bool:
        """Whether it has ended, within so many seconds, or ever (None).

        What it started ends with it, as vLLM's engine, which else goes on and holds its GPU.
        """
        if self._process.returncode is not None:
            return True
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        self._end_group()  # at once: its number, which names the group, is soon given to another process
        return True

    def kill(self) -> None:
        """End its whole process group, now."""
        if self._process.returncode is None:
            self._end_group()
            self._process.wait()

    def _end_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def explain_end(self) -> BenchyError:
        """Why it ended without an answer."""
        self.wait(None)
        code = self._process.returncode
        return ended_by(-code) if code < 0 else ended_with(code)


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while chunk := os.read(stream.fileno(), CHUNK_BYTES):
            yield chunk
