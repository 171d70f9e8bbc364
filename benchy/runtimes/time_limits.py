"""How long a run's worker may take: to load, to answer the model test, in all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchy.config import PerformanceConfig
from benchy.errors import BenchyError, LoadTimeout, PromptTimeout, RunTimeout
from benchy.protocol import Phase, Progress


@dataclass(frozen=True)
class _Limit:
    deadline: float
    error: BenchyError


@dataclass
class TimeLimits:
    """The limits of one run, from now on. A phase begins with the worker's word and ends with the next one."""

    limits: PerformanceConfig
    clock: Callable[[], float] = time.monotonic
    _of_run: _Limit = field(init=False)
    _of_phase: _Limit | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        seconds = self.limits.run_timeout
        self._of_run = _Limit(self.clock() + seconds, RunTimeout(f"the run was ended after {seconds:g} s"))

    def on_event(self, event: Progress | Phase) -> None:
        """Note which phase begins."""
        if isinstance(event, Phase):
            self._of_phase = self._phase(event.name)

    def end_phase(self) -> None:
        """Note that the worker answered."""
        self._of_phase = None

    def seconds_left(self) -> float:
        """Until the first limit; 0 once it is passed."""
        return max(0.0, self._first().deadline - self.clock())

    def passed(self) -> BenchyError:
        """Return the error of the first limit."""
        return self._first().error

    def _first(self) -> _Limit:
        return min(filter(None, (self._of_run, self._of_phase)), key=lambda limit: limit.deadline)

    def _phase(self, name: str) -> _Limit | None:
        load, prompt, now = self.limits.load_timeout, self.limits.prompt_timeout, self.clock()
        if name == "load":
            return _Limit(now + load, LoadTimeout(f"the model was still loading after {load:g} s"))
        if name == "generate":
            return _Limit(now + prompt, PromptTimeout(f"the model gave no answer to one prompt in {prompt:g} s"))
        return None
