"""Names why a worker's process ended without an answer, by its exit code or the signal that ended it."""

from __future__ import annotations

import signal

from benchy.errors import BenchyError, PromptTimeout, WorkerDied

LAST_SIGNAL = 64
"""Of Linux, real-time signals included."""


def ended_by(number: int) -> BenchyError:
    """Return the error of a process that a signal ended."""
    if number == signal.SIGKILL:
        return WorkerDied(
            "the worker was killed (signal 9)",
            hint="if nobody did that, the machine ran out of memory: `dmesg` tells; try a smaller batch or model",
        )
    if number == signal.SIGVTALRM:  # set by the worker itself, around each template (worker/harness/prompt_limit.py)
        return PromptTimeout("a template was still computing one prompt long after its time, and could not be stopped")
    return WorkerDied(f"the worker crashed with {_name(number)}")


def ended_with(code: int) -> BenchyError:
    """Return the error of a process that ended by itself with an exit code; above 128 a shell's word for a signal."""
    if 128 < code <= 128 + LAST_SIGNAL:
        return ended_by(code - 128)
    return WorkerDied(f"the worker ended with exit code {code} before it answered")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
