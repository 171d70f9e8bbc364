"""A child process on this machine: the embedded default."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO

from benchy.config import UPLOAD_TOKEN, WANDB_KEY, BenchmarkConfig
from benchy.errors import BenchyError, WorkerDied, WorkerError
from benchy.runtimes import RunIdentity, Say

CHUNK_BYTES = 1 << 16


class ProcessRuntime:
    """Starts workers as child processes with this Python."""

    def start(
        self,
        config: BenchmarkConfig,
        run: RunIdentity,  # noqa: ARG002 - a child needs no name: it ends with its parent
        *,
        on_gpus: bool,
        say: Say,  # noqa: ARG002 - it never waits
        wait: bool = True,  # noqa: ARG002
    ) -> ProcessTransport:
        """Start a worker.

        Raises:
            WorkerError: the process cannot be started.
        """
        try:
            process = subprocess.Popen(
                worker_command(config, on_gpus=on_gpus),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=worker_environment(config, os.environ, on_gpus=on_gpus),
                start_new_session=True,  # Ctrl-C reaches the host alone, which then ends the worker
            )
        except OSError as error:
            raise WorkerError(f"the worker cannot be started: {error}", hint="check this Python's folder") from error
        return ProcessTransport(process)


def worker_command(config: BenchmarkConfig, *, on_gpus: bool) -> list[str]:
    """The command line of a worker on this machine."""
    return launch_command(config, sys.executable, on_gpus=on_gpus)


def launch_command(config: BenchmarkConfig, interpreter: str, *, on_gpus: bool) -> list[str]:
    """The command line of a worker: one process, or with ``use_accelerate`` one for each GPU."""
    python = [interpreter, "-P"]  # -P: a folder `datasets` or `evaluate` here must not shadow the library
    performance = config.performance
    if not (on_gpus and performance.use_accelerate):
        return [*python, "-m", "benchy.worker"]
    processes = len(config.gpus) if config.gpus else performance.num_gpus or 1
    options = {
        "num_processes": processes,
        "num_machines": 1,
        "mixed_precision": performance.mixed_precision,
        "dynamo_backend": "no",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    launch = [*python, "-m", "accelerate.commands.launch", *flags, *(["--multi_gpu"] if processes > 1 else [])]
    return [*launch, "--module", "benchy.worker"]


def worker_environment(config: BenchmarkConfig, host: Mapping[str, str], *, on_gpus: bool) -> dict[str, str]:
    """The host's environment without Prefect's settings (some are secrets), and with the configured GPUs alone.

    The token that may write to the leaderboard, and the key for Weights & Biases, travel in their requests alone.
    """
    environment = {name: value for name, value in host.items() if not name.startswith("PREFECT_")}
    for name in {WANDB_KEY, UPLOAD_TOKEN, config.upload.token_env if config.upload else UPLOAD_TOKEN}:
        environment.pop(name, None)
    if not on_gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ""
    elif config.gpus:
        environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # indices as nvidia-smi counts them
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(str(gpu) for gpu in config.gpus)
    elif (count := config.performance.num_gpus or config.performance.replicas) and "CUDA_VISIBLE_DEVICES" not in host:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(str(index) for index in range(count))
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

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, within so many seconds."""
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End its whole process group, now."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def explain_end(self) -> BenchyError:
        """Why it ended without an answer."""
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return WorkerDied(
                "the worker was killed (signal 9)",
                hint="if nobody did that, the machine ran out of memory: `dmesg` tells; try a smaller batch or model",
            )
        if code < 0:
            return WorkerDied(f"the worker crashed with {signal.Signals(-code).name}")
        return WorkerDied(f"the worker ended with exit code {code} before it answered")


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while chunk := os.read(stream.fileno(), CHUNK_BYTES):
            yield chunk
