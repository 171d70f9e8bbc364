"""Ends a template that computes for ever: it is a program of a model's or a benchmark's author."""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from benchy.errors import BenchyError, PromptTimeout

FOR_GOOD = 4
"""Times the limit, in CPU seconds of all threads."""


def limit_prompts(lm: Any, seconds: float) -> None:
    """Let lm-eval's model object put each prompt into its template for so many seconds at most, then raise."""
    apply = lm.apply_chat_template

    def too_long() -> PromptTimeout:
        return PromptTimeout(f"the model's chat template was still computing one prompt after {seconds:g} s")

    @functools.wraps(apply)
    def limited(*args: Any, **kwargs: Any) -> Any:
        with raising_after(seconds, too_long):
            return apply(*args, **kwargs)

    lm.apply_chat_template = limited


@contextmanager
def raising_after(seconds: float, too_long: Callable[[], BenchyError]) -> Iterator[None]:
    """Raise in the middle of Python code. What somebody else has set the process's one timer to goes on afterwards.

    Python raises between two steps of its own, and one step may be a comparison of 2^60 items: so that such a one holds
    no GPU, the kernel ends the process (SIGVTALRM) once it has computed for several times as long.
    """

    def stop(_signal: int, _frame: object) -> NoReturn:
        raise too_long()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGALRM, stop)
    last = signal.setitimer(signal.ITIMER_VIRTUAL, FOR_GOOD * seconds)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.setitimer(signal.ITIMER_VIRTUAL, *last)
        signal.signal(signal.SIGALRM, handler)
