"""The processes of one trial, found by a variable of their environment: also those whose parents are gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "BENCHY_KILLS_TRIAL"


@dataclass(frozen=True)
class Process:
    """One that is running."""

    pid: int
    command: bytes


def processes_of(trial: str) -> list[Process]:
    """Every process of a trial that is no zombie, oldest first."""
    mark = f"{MARK}={trial}".encode()
    found = []
    for place in sorted(Path("/proc").glob("[0-9]*"), key=lambda place: int(place.name)):
        with suppress(OSError):
            state = (place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            if state != "Z" and mark in (place / "environ").read_bytes().split(b"\0"):
                found.append(Process(int(place.name), (place / "cmdline").read_bytes().replace(b"\0", b" ")))
    return found


def send(number: signal.Signals, processes: Sequence[Process]) -> None:
    """Send a signal to each; one that ended meanwhile needs none."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
