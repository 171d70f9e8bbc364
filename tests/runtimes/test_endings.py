"""Whatever ends a worker has a name, also what has none in Python's list of signals."""

from __future__ import annotations

import signal

import pytest

from benchy.errors import PromptTimeout, WorkerDied
from benchy.runtimes.endings import ended_by, ended_with


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "the worker ended with exit code 0 before it answered"),
        (3, "the worker ended with exit code 3 before it answered"),
        (139, "the worker crashed with SIGSEGV"),
        (137, "the worker was killed (signal 9)"),
        (128 + 40, "the worker crashed with signal 40"),
        (255, "the worker ended with exit code 255 before it answered"),
    ],
)
def test_an_exit_code(code: int, said: str) -> None:
    error = ended_with(code)
    assert type(error) is WorkerDied
    assert error.message == said


def test_a_template_that_nothing_stops_is_no_crash_that_is_tried_again() -> None:
    error = ended_by(signal.SIGVTALRM)
    assert type(error) is PromptTimeout
    assert not error.transient
