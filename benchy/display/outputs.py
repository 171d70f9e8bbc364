"""Keeps the command's two outputs, and threads that wait, from deciding when and how it ends."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class LastingOutput(io.FileIO):
    """An output whose reader may go away: what a closed terminal, `| head -1` or a full disk refuses is dropped."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Say that all was written."""
        try:
            return super().write(data) or 0
        except OSError:
            return memoryview(data).nbytes


def outlive_outputs() -> None:
    """From now on no print to stdout or stderr fails."""
    sys.stdout = _lasting(1, errors="replace", line_buffering=sys.stdout is not None and sys.stdout.isatty())
    sys.stderr = _lasting(2, errors="backslashreplace", line_buffering=True)


def _lasting(descriptor: int, *, errors: str, line_buffering: bool) -> io.TextIOWrapper:
    try:
        os.fstat(descriptor)
    except OSError:  # closed from the start
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    raw = LastingOutput(descriptor, "wb", closefd=False)
    encoding = sys.__stdout__.encoding if sys.__stdout__ is not None else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors=errors, line_buffering=line_buffering)


def end_within(seconds: float, code: int) -> None:
    """End the process with this code after so long, if its threads have not let it end by itself."""

    def end() -> None:
        time.sleep(seconds)
        sys.stdout.flush()
        os._exit(code)

    threading.Thread(target=end, daemon=True).start()
