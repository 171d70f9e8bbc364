"""The run's log: one file that holds every line, and slower readers that are told what they miss."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

MISSED_LINES = 200
"""The most that are kept for the next follower."""

Deliver = Callable[[list[str]], None]


class RunLog:
    """Every line goes to the file at once, and then to whoever is attached."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a", encoding="utf-8", errors="replace")
        self._readers: list[SlowReader] = []
        self._follower: SlowReader | None = None
        self._missed: deque[str] = deque(maxlen=MISSED_LINES)
        self._lock = threading.Lock()

    def write(self, lines: list[str]) -> None:
        """Add lines. Safe from any thread; never waits for a reader."""
        with self._lock:
            self._file.write("".join(f"{line}\n" for line in lines))
            self._file.flush()
            for reader in self._readers:
                reader.offer(lines)
            if self._follower is None:
                self._missed.extend(lines)

    def attach(self, reader: SlowReader) -> None:
        """Hand on what is written from now on."""
        with self._lock:
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


class SlowReader:
    """Delivers lines in batches on its own thread; what does not fit is counted and named, never waited for.

    A worker that writes 10,000 lines a second must not wait for a terminal or for Prefect's API.
    """

    def __init__(self, deliver: Deliver, *, capacity: int, seconds: float, whole_log: Path) -> None:
        """Start the thread.

        Args:
            deliver: gets each batch; what it raises is the end of the delivery, not of the run.
            capacity: the most lines that wait.
            seconds: the least time between two batches.
            whole_log: where every line is, for the note on what was left out.
        """
        self._deliver = deliver
        self._capacity = capacity
        self._seconds = seconds
        self._whole_log = whole_log
        self._waiting: list[str] = []
        self._left_out = 0
        self._closed = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def offer(self, lines: list[str]) -> None:
        """Take as many lines as fit."""
        with self._changed:
            room = self._capacity - len(self._waiting)
            self._waiting += lines[:room]
            self._left_out += max(0, len(lines) - room)
            self._changed.notify()

    def close(self) -> None:
        """Deliver what waits, then end."""
        self._closed.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while lines := self._next_batch():
            try:
                self._deliver(lines)
            except Exception as error:  # noqa: BLE001 - a terminal that closed or a server that is away ends no run
                self._whole_log_note(error)
                return
            self._closed.wait(self._seconds)

    def _next_batch(self) -> list[str]:
        """What waits; empty when the reader is closed and nothing does."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed.is_set())
            batch, self._waiting = self._waiting, []
            left_out, self._left_out = self._left_out, 0
        if left_out:
            batch.append(f"[{left_out:,} lines left out here; {self._whole_log} has all]")
        return batch

    def _whole_log_note(self, error: Exception) -> None:
        with self._whole_log.open("a", encoding="utf-8") as file:
            file.write(f"[benchy: lines are no longer shown elsewhere: {error}]\n")
