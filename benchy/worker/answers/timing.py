"""Times the parts of an evaluation by benchmark, from outside lm-eval."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

from benchy.record import BenchmarkSeconds
from benchy.worker.harness.patching import replaced
from benchy.worker.progress import bars_named

Part = Literal["task_build", "inference", "scoring"]
SCORING = ("apply_filters", "process_results")


def characters_of(request: Any) -> int:
    """By how much text a request is weighed; never 0."""
    return 1 + sum(len(part) for part in request.args if isinstance(part, str))


class Clock:
    """Adds up seconds while it watches tasks, and while a model answers.

    lm-eval answers the requests of all benchmarks in common batches, sorted by length. A benchmark's share of such a
    call is the share of its requests in the characters of all, since the work grows with the length.
    """

    def __init__(self, *, build_seconds: float) -> None:
        """Nothing is timed yet.

        Args:
            build_seconds: what all benchmarks took together before this began.
        """
        self.requests = 0
        self._shared_build = build_seconds
        self._earlier = 0.0
        self._seconds: dict[Part, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self._elapsed = 0.0

    @contextmanager
    def watching(self, tasks: dict[str, Any]) -> Iterator[None]:
        """Time what happens inside; the objects are as before afterwards.

        Args:
            tasks: lm-eval's, by the names of their benchmarks.
        """
        started = time.monotonic()
        with ExitStack() as stack:
            for task_name, task in tasks.items():
                build = self._timed(
                    bars_named(f"building {task_name}")(task.build_all_requests), "task_build", task_name
                )
                scoring = {name: self._timed(getattr(task, name), "scoring", task_name) for name in SCORING}
                stack.enter_context(replaced(task, build_all_requests=build, **scoring))
            try:
                yield
            finally:
                self._elapsed = time.monotonic() - started

    @contextmanager
    def inference(self, requests: list[Any], earlier: Callable[[], float]) -> Iterator[None]:
        """Time a model's answers to requests.

        Args:
            requests: lm-eval's.
            earlier: how many seconds the answers took that were found rather than computed, up to now.
        """
        started, before = time.monotonic(), earlier()
        try:
            yield
        finally:
            found = earlier() - before
            self._earlier += found
            self._share(requests, time.monotonic() - started + found)

    def seconds(self, benchmark: str) -> BenchmarkSeconds:
        """One benchmark's own."""
        return BenchmarkSeconds(
            task_build=self._seconds["task_build"][benchmark],
            inference=self._seconds["inference"][benchmark],
            scoring=self._seconds["scoring"][benchmark],
        )

    def total(self, part: Part) -> float:
        """Of all benchmarks; reading the data counts as building, and all that remains of the time as scoring."""
        if part == "scoring":
            return self._elapsed - self._sum("task_build") - (self._sum("inference") - self._earlier)
        return self._sum(part) + (self._shared_build if part == "task_build" else 0.0)

    def _sum(self, part: Part) -> float:
        return sum(self._seconds[part].values())

    def _timed(self, call: Callable[..., Any], part: Part, benchmark: str) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.monotonic()
            try:
                return call(*args, **kwargs)
            finally:
                self._seconds[part][benchmark] += time.monotonic() - started

        return timed

    def _share(self, requests: list[Any], seconds: float) -> None:
        self.requests += len(requests)
        lengths: dict[str, int] = defaultdict(int)
        for request in requests:
            lengths[request.task_name] += characters_of(request)
        total = sum(lengths.values())
        for benchmark, length in lengths.items():
            self._seconds["inference"][benchmark] += seconds * length / total
