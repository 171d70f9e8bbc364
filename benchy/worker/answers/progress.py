"""Counts the answered requests of each benchmark, and tells how far the evaluation is."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchy.protocol import Progress
from benchy.worker.answers.timing import characters_of

MIN_SECONDS_BETWEEN_EVENTS = 0.5
BENCHMARKS_A_SECOND = 200
"""Of which an event may tell: with a thousand benchmarks there is one in five seconds."""


@dataclass
class Count:
    """Of one benchmark, or of all: how many requests, and how many characters, since the work grows with these."""

    requests: int = 0
    characters: int = 0
    answered: int = 0
    answered_characters: int = 0
    found: int = 0
    """Answered by a worker that is gone, and so in no time."""
    found_characters: int = 0
    started: float | None = None
    """When the model was first asked for one, in seconds of the monotonic clock."""
    ended: float | None = None

    def answer(self, characters: int, now: float, *, found: bool) -> None:
        """One more is answered; it was in the store if ``found``."""
        self.answered += 1
        self.answered_characters += characters
        if found:
            self.found += 1
            self.found_characters += characters
        if self.answered == self.requests:
            self.ended = now

    def progress(self, label: str, now: float, parts: tuple[Progress, ...] = ()) -> Progress:
        """As an event. The longest requests come first, so the time that is left goes by the characters."""
        seconds = (self.ended or now) - self.started if self.started is not None else 0.0
        fresh, fresh_characters = self.answered - self.found, self.answered_characters - self.found_characters
        left = max(0, self.characters - self.answered_characters)
        return Progress(
            label=label,
            done=min(self.answered, self.requests),  # lm-eval gives several ranks some of them twice
            total=self.requests,
            unit="requests",
            rate=fresh / seconds if fresh and seconds else None,
            seconds_left=seconds * left / fresh_characters if fresh and seconds else None,
            parts=parts,
        )


class RequestCounter:
    """The requests of one evaluation; with several ranks, those of this one."""

    def __init__(self, tasks: Mapping[str, Any], emit: Callable[[Progress], None]) -> None:
        """Nothing is counted yet.

        Args:
            tasks: lm-eval's tasks by the names of their benchmarks; they have no requests yet.
            emit: gets an event at most twice a second, and one after each kind of requests.
        """
        self._tasks = tasks
        self._emit = emit
        self._all = Count()
        self._counts: dict[str, Count] = {}
        self._waiting: dict[str, deque[tuple[Count, int]]] = defaultdict(deque)
        self._in_order: deque[tuple[str, int]] = deque()
        self._window_characters = 0
        self._told = 0.0

    def ask(self, requests: Sequence[Any], keys: Sequence[str], found: Sequence[bool]) -> None:
        """Note that the model is going to be asked.

        Args:
            requests: lm-eval's.
            keys: what each is known by; those of several benchmarks may be the same.
            found: whether the answer is in the store already.
        """
        now = time.monotonic()
        if not self._counts:
            self._count_all()
        self._in_order.clear()
        self._window_characters = 0
        for request, key, known in zip(requests, keys, found, strict=True):
            count, characters = self._counts[request.task_name], characters_of(request)
            for one in (count, self._all):
                one.started = one.started or now
            if known:
                self._answered(count, characters, now, found=True)
            else:
                self._waiting[key].append((count, characters))
                self._in_order.append((key, characters))
        self.tell()

    def answered(self, keys: Iterable[str]) -> None:
        """Note the model's answers; keys that were not asked for (parts of a request) do not count."""
        now = time.monotonic()
        for key in keys:
            if waiting := self._waiting.get(key):
                self._answered(*waiting.popleft(), now, found=False)
        if now - self._told >= max(MIN_SECONDS_BETWEEN_EVENTS, len(self._counts) / BENCHMARKS_A_SECOND):
            self.tell()

    def answered_windows(self, characters: int) -> None:
        """So many characters more of long texts are scored, in the texts' order; lm-eval sums them up at the end."""
        self._window_characters += characters
        while self._in_order and self._window_characters >= self._in_order[0][1] - 1:
            key, whole = self._in_order.popleft()
            self._window_characters -= whole - 1
            self.answered([key])

    def tell(self) -> None:
        """How far all are, and each."""
        now = self._told = time.monotonic()
        parts = tuple(count.progress(name, now) for name, count in self._counts.items())
        self._emit(self._all.progress("evaluation", now, parts))

    def _answered(self, count: Count, characters: int, now: float, *, found: bool) -> None:
        for one in (count, self._all):
            one.answer(characters, now, found=found)

    def _count_all(self) -> None:
        """Count what there is to do, once lm-eval has built the requests of all benchmarks."""
        for name, task in self._tasks.items():
            count = self._counts[name] = Count()
            for request in task.instances:
                for one in (count, self._all):
                    one.requests += request.repeats
                    one.characters += request.repeats * characters_of(request)
