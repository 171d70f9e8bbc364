"""RunLog: the log file of a run, and everybody who reads along."""

from __future__ import annotations

import os
import threading
from collections import deque
from pathlib import Path

from benchy.masking import mask
from benchy.regular_files import append_to_regular
from benchy.runs.log_reader import SlowReader

MISSED_LINES = 200
"""The most that are kept for the next follower."""


class RunLog:
    """Every line goes to the file at once, and then to whoever is attached. A disk that is full ends nothing."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.fdopen(append_to_regular(path), "ab", buffering=0)
        self._not_kept = 0
        """Lines that the disk did not take, in a row."""
        self._readers: list[SlowReader] = []
        self._follower: SlowReader | None = None
        self._missed: deque[str] = deque(maxlen=MISSED_LINES)
        self._lock = threading.Lock()

    def write(self, lines: list[str]) -> None:
        """Add lines, without the secrets that this process knows. Safe from any thread; never waits for a reader."""
        lines = mask("\n".join(lines)).split("\n") if lines else []
        with self._lock:
            self._keep(lines)
            self._hand_on(lines)

    def keep(self, lines: list[str]) -> None:
        """Add lines that nobody needs to see: they are in the file alone."""
        with self._lock:
            self._keep(lines)

    def _keep(self, lines: list[str]) -> None:
        gap = f"\n[{self._not_kept:,} lines could not be written here]\n" if self._not_kept else ""
        rest = memoryview((gap + "".join(f"{line}\n" for line in lines)).encode(errors="replace"))
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            self._not_kept = 0
        except ValueError:  # it is closed, and a thread still had something to say
            return
        except OSError as error:
            if not self._not_kept:
                self._hand_on([f"{self.path} cannot be written ({error.strerror}): the run goes on without its log"])
            self._not_kept += len(lines)

    def _hand_on(self, lines: list[str]) -> None:
        for reader in self._readers:
            reader.offer(lines)
        if self._follower is None:
            self._missed.extend(lines)

    def attach(self, reader: SlowReader) -> None:
        """Hand on what is written from now on, and first what no follower has seen: how the run was opened is in it."""
        with self._lock:
            reader.offer(list(self._missed))
            self._readers.append(reader)

    def follow(self, reader: SlowReader) -> None:
        """Hand on what is written from now on, and before that what was written since the last follower left.

        Prefect's task runs follow one another; what the worker says between two of them belongs to the next.
        """
        with self._lock:
            reader.offer(list(self._missed))
            self._missed.clear()
            self._readers.append(reader)
            self._follower = reader

    def detach(self, reader: SlowReader) -> None:
        """Stop handing on, and wait until the reader has what it was offered."""
        with self._lock:
            self._readers.remove(reader)
            if reader is self._follower:
                self._follower = None
        reader.close()

    def close(self) -> None:
        """Detach everybody and close the file."""
        for reader in list(self._readers):
            self.detach(reader)
        self._file.close()
