"""Runs one command, and prints as JSON what it and all that it started used.

    python -m bench.usage [--memory] COMMAND...

A process of its own, because it adopts what the command leaves behind (Linux, ``PR_SET_CHILD_SUBREAPER``): Prefect's
embedded server ends after the command does, and its CPU seconds belong to it.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
SECONDS_BETWEEN_SAMPLES = 0.1


@dataclass(frozen=True)
class Usage:
    """What a command used."""

    exit_code: int
    wall_seconds: float
    """Until the command itself ended."""
    cpu_seconds: float
    """User and system, of it and all its descendants."""
    peak_bytes: int
    """The most that all of them held at once, shared pages once (PSS); 0 if not sampled."""


def measure(command: list[str], *, env: dict[str, str], log: Path, memory: bool = False) -> Usage:
    """Run a command in a measuring process.

    Args:
        command: program and arguments.
        env: the whole environment.
        log: gets its output.
        memory: sample the memory; that takes a few percent of a core, so that the times of such a run do not count.
    """
    flags = ["--memory"] if memory else []
    with log.open("ab") as output:
        measured = subprocess.run(
            [sys.executable, "-m", "bench.usage", *flags, *command],
            env=env,
            stdout=subprocess.PIPE,
            stderr=output,
            check=True,
        )
    return Usage(**json.loads(measured.stdout))


def main() -> None:
    """Run it."""
    arguments = sys.argv[1:]
    memory = arguments[0] == "--memory"
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    print(json.dumps(asdict(_run(arguments[memory:], memory=memory))))


def _run(command: list[str], *, memory: bool) -> Usage:
    started = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2)
    peak = 0
    while memory and process.poll() is None:
        peak = max(peak, _memory_of_descendants(os.getpid()))
        time.sleep(SECONDS_BETWEEN_SAMPLES)
    code = process.wait()
    wall = time.monotonic() - started
    _wait_for_all()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Usage(code, wall, used.ru_utime + used.ru_stime, peak)


def _wait_for_all() -> None:
    with suppress(ChildProcessError):
        while True:
            os.wait()


def _memory_of_descendants(pid: int) -> int:
    """Proportional set sizes (``/proc/PID/smaps_rollup``) in bytes."""
    total = 0
    with suppress(OSError):  # one that ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                total += _proportional_set_size(int(child)) + _memory_of_descendants(int(child))
    return total


def _proportional_set_size(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main()
