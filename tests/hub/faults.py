"""What the loopback Hub can be told to do wrong."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Fault:
    """Something that goes wrong for requests whose ``METHOD /path`` matches, so many times."""

    pattern: str
    """A regular expression, searched in ``GET /org/name/resolve/...``."""
    times: int = 1_000_000
    status: int | None = None
    """Answer with this status instead."""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Close the connection after so many bytes of the body."""
    stall_after: int | None = None
    """Send nothing more after so many bytes of the body, until the Hub closes."""
    bytes_per_second: int | None = None
    """Send the body this slowly."""
    corrupt: bool = False
    """Flip the last byte of the body."""
    before: Callable[[], object] | None = None
    """Called before the request is done."""


class Faults:
    """The faults that are still to come; each request takes the first that fits."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """One more."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """All is well again."""
        with self._lock:
            self._faults.clear()

    def take(self, request_line: str) -> Fault:
        """Return the fault for a request; one that does nothing if there is none."""
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and re.search(fault.pattern, request_line):
                    fault.times -= 1
                    return fault
        return Fault("")
