"""SlowReader: hands log lines on in batches, to a reader that takes few at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Deliver = Callable[[list[str]], None]


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
        """Return what waits; empty when the reader is closed and nothing does."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed.is_set())
            batch, self._waiting = self._waiting, []
            left_out, self._left_out = self._left_out, 0
        if left_out:
            batch.append(f"[{left_out:,} lines left out here; {self._whole_log} has all]")
        return batch

    def _whole_log_note(self, error: Exception) -> None:
        with suppress(OSError), self._whole_log.open("a", encoding="utf-8") as file:
            file.write(f"[benchy: lines are no longer shown elsewhere: {error}]\n")
