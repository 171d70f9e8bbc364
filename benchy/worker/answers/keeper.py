"""Keeps each answer as the model gives it: a batch is written whole, before the next one is computed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from benchy.worker.answers.keys import request_key
from benchy.worker.answers.progress import RequestCounter
from benchy.worker.answers.store import MISSING, AnswerStore, Kept
from benchy.worker.machine.torch_state import random_state


class AnswerKeeper:
    """lm-eval's cache hook of a model during one evaluation.

    lm-eval's models call ``cache_hook.add_partial`` after each answer, in batches. A batch is written before the next
    forward pass begins, whole, so that the answers on disk are always those of whole batches: what is asked again after
    a crash falls into the same batches as before, and the scores are the same to the last digit, since the padding of a
    batch touches it.
    """

    def __init__(self, store: AnswerStore, counter: RequestCounter, *, batched: bool) -> None:
        """Keep nothing yet.

        Args:
            store: where the answers go.
            counter: is told of each answer.
            batched: whether the model answers in batches; of another kind each answer is written by itself.
        """
        self.store = store
        self.counter = counter
        self._batched = batched
        self._draws = False
        self._pending: list[Kept] = []
        self._keys: dict[tuple[str, ...], str] = {}
        self._given: Counter[str] = Counter()
        self._windows_seen: Counter[str] = Counter()
        self._asked_at = 0.0
        self.found = 0
        """How many answers were in the store when they were asked for."""
        self.found_seconds = 0.0
        """How long the workers that are gone took for these."""

    def begin(self, requests: Sequence[Any], keys: Sequence[str], *, draws: bool) -> list[Any]:
        """Return what the store holds of a group of requests, and ``MISSING`` for the others.

        Args:
            requests: lm-eval's.
            keys: what each is known by.
            draws: the state of the random numbers is kept with each batch.
        """
        self._draws = draws
        self._keys = {_texts(request.args): key for request, key in zip(requests, keys, strict=True)}
        self._keys.pop((), None)
        found = self.store.take(keys)
        known = [one is not MISSING for one in found]
        self.found += sum(known)
        self.found_seconds += self.store.seconds(keys)
        self.counter.ask(requests, keys, known)
        return found

    def end(self) -> None:
        """End a group of requests: all are answered."""
        self.counter.tell()
        self._keys.clear()

    def expect(self) -> None:
        """Get ready for what the model is asked now."""
        self._given, self._windows_seen = Counter(), Counter()
        self._asked_at = time.monotonic()

    def add_partial(self, kind: str, arguments: Sequence[Any], answer: Any) -> None:
        """Take one answer: lm-eval's ``CacheHook.add_partial``."""
        key = self._keys.get(_texts(arguments)) or request_key(kind, arguments)
        self._given[key] += 1
        self._pending.append((key, answer))
        if not self._batched:
            self.write()

    def keep_rest(self, keys: Sequence[str], answers: Sequence[Any]) -> None:
        """Keep the answers of a model type that does not tell the hook of each."""
        rest = []
        for key, answer in zip(keys, answers, strict=True):
            if self._given[key]:
                self._given[key] -= 1
            else:
                rest.append((key, answer))
        if rest:
            self._keep(rest)

    def windows(self, keys: Sequence[str], score: Callable[[], list[Any]]) -> list[Any]:
        """Return the scores of one batch of parts of long texts: those that are kept, or else the model's."""
        found = self.store.take(keys, seen=self._windows_seen)
        if MISSING not in found:
            self.found_seconds += self.store.seconds(keys)
            return found
        fresh = score()
        self._pending += [(key, one) for key, one, old in zip(keys, fresh, found, strict=True) if old is MISSING]
        return fresh

    def write(self) -> None:
        """Write the answers of the batch that is done."""
        if self._pending:
            batch, self._pending = self._pending, []
            self._keep(batch)

    def drop(self) -> None:
        """Forget the answers of a batch that was cut short."""
        self._pending.clear()

    def _keep(self, batch: list[Kept]) -> None:
        now = time.monotonic()
        state = random_state() if self._draws else None
        self.store.keep(batch, seconds=now - self._asked_at, random_state=state)
        self._asked_at = now
        self.counter.answered(key for key, _ in batch)


def _texts(arguments: Sequence[Any]) -> tuple[str, ...]:
    """Return what tells requests of a group apart, cheaper than their keys; nothing if more than text does."""
    texts = tuple(one for one in arguments if isinstance(one, str))
    return texts if len(texts) == len(arguments) or len(arguments) == 2 else ()
