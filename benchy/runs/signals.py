"""Keeps the signals that end a run from cutting short what must be whole."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PARENT = "BENCHY_PARENT"
"""The variable with which a suite tells the id of its process to the runs that it starts."""
PR_SET_PDEATHSIG = 1
"""prctl(2)."""


def end_with_parent() -> None:
    """Have a run that a suite started be interrupted when the suite's process ends, however it ends.

    Raises:
        KeyboardInterrupt: it has ended already.
    """
    parent = os.environ.pop(PARENT, "")
    if not parent.isdecimal() or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    if os.getppid() != int(parent):
        raise KeyboardInterrupt


@contextmanager
def ignoring_signals() -> Iterator[None]:
    """Whoever ends a run may signal more than once: what the first signal began is not cut short by the second."""
    with _handled_by(signal.SIG_IGN):
        yield


@contextmanager
def deferring_signals() -> Iterator[None]:
    """Let a signal take effect when the block is over: a record is written wholly, and then the run ends."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    with _handled_by(note):
        yield
    if came:
        signal.raise_signal(came[0])


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], Any] | signal.Handlers) -> Iterator[None]:
    """Only the main thread may set handlers; what is ignored (as under nohup) stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = {one: now for one in ENDING if (now := signal.getsignal(one)) not in {signal.SIG_IGN, None}}
    for one in ours:
        signal.signal(one, handler)
    try:
        yield
    finally:
        for one, before in ours.items():
            signal.signal(one, before)
