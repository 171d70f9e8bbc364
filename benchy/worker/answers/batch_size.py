"""Chooses the batch size of a Hugging Face model, and halves it when the memory does not suffice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchy.worker.answers.store import AnswerStore
from benchy.worker.harness.patching import replaced

logger = logging.getLogger(__name__)

LONGEST_TEXTS = 32
"""How many of the texts with the most characters are tokenized to find the one with the most tokens."""


class Batches:
    """The batch size for one part of the requests: those of one kind (and one set of generation arguments).

    A number in the config is where it starts. ``auto`` starts from what the longest request of this part needs, where
    lm-eval itself takes the model's full length for generation; ``auto:N`` measures anew N times, as the requests
    become shorter. What was chosen is noted in the store, so that a resumed evaluation forms the same batches.
    """

    def __init__(self, lm: Any, store: AnswerStore, part: str, requests: Sequence[Any]) -> None:
        self._lm = lm
        self._store = store
        self._about = f"batches of {part}"
        self._requests = requests
        noted = store.noted(self._about) or {"total": None, "sizes": {}, "fixed": None}
        self._total: int | None = noted["total"]
        self._sizes: dict[str, int] = noted["sizes"]
        self._fixed: int | None = noted["fixed"]
        self._started_at = 0
        if self._fixed is None and lm.batch_size_per_gpu != "auto":
            self._fixed = int(lm.batch_size_per_gpu)
        self.used = [*self._sizes.values(), *([] if self._fixed is None else [self._fixed])]
        """All sizes in the order of their use."""

    @property
    def size(self) -> int:
        """The last that was used, or may have been."""
        return self.used[-1] if self.used else int(self._lm.max_batch_size)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the model use it; it is as before afterwards.

        Each rank is on its own meanwhile. lm-eval would have them agree on a size and on a number of windows, and wait
        for ever for one that has all its answers from the store, or that ran out of memory and asks a second time.
        """
        size = self._fixed if self._fixed is not None else "auto"
        methods = {"_batch_scheduler": self._schedule, "_detect_batch_size": self._detect}
        with replaced(self._lm, batch_size_per_gpu=size, _world_size=1, **methods):
            yield

    def settle(self, fitting: Callable[[int], int] | None = None) -> int:
        """One size for the whole part, found now if it is not yet known.

        Args:
            fitting: says how many requests fit that are as long as the longest; if not given, it is measured.
        """
        if self._fixed is None and fitting is not None:
            self._fixed = fitting(self._longest())
            self._use(self._fixed)
        elif self._fixed is None:
            self._fixed = self._detect()
        return self._fixed

    def halve(self) -> None:
        """From now on."""
        self._fixed = max(1, min(self.size, len(self._requests)) // 2)
        self._use(self._fixed)
        logger.warning("Out of memory: going on with batches of %d", self._fixed)

    def _use(self, size: int) -> None:
        self.used.append(size)
        self._store.note(self._about, {"total": self._total, "sizes": self._sizes, "fixed": self._fixed})

    def _schedule(self, position: int, requests: Sequence[Any]) -> int:
        """lm-eval's ``_batch_scheduler``: called for each request, says how many are in its batch.

        Args:
            position: of the request among the sorted ones that this call of the model was given.
            requests: all of those; the ones that were answered before are the first of the whole part.
        """
        if self._total is None:
            self._total = len(requests)
        if position == 0:
            self._started_at = 0
        size = self._measured(self._total - len(requests) + self._started_at, requests)
        if position - self._started_at + 1 >= size:
            self._started_at = position + 1
        return size

    def _measured(self, done: int, requests: Sequence[Any]) -> int:
        """Return the size for the batch before which so many of the whole part are done."""
        assert self._total is not None  # noqa: S101 - set by the caller
        turn = str(done // max(1, int(self._total / self._lm.batch_schedule)))
        if turn not in self._sizes:
            self._sizes[turn] = int(type(self._lm)._detect_batch_size(self._lm, requests, self._started_at))
            self._use(self._sizes[turn])
        self._lm.batch_sizes[int(turn)] = self._sizes[turn]
        return self._sizes[turn]

    def _detect(self, requests: Sequence[Any] | None = None, pos: int = 0) -> int:
        """lm-eval's ``_detect_batch_size``: without requests it would measure at the model's full length."""
        if requests is None and "0" not in self._sizes:
            requests = [(None, [1] * (self._longest() + 1), [])]
            self._sizes["0"] = int(type(self._lm)._detect_batch_size(self._lm, requests, pos))
            self._use(self._sizes["0"])
        return self._sizes["0"]

    def _longest(self) -> int:
        """Tokens of the longest request, with what is generated after it."""
        texts = sorted((_text(request) for request in self._requests), key=len)[-LONGEST_TEXTS:]
        longest = max(len(self._lm.tok_encode(text)) for text in texts)
        return min(longest + self._generated(), int(self._lm.max_length))

    def _generated(self) -> int:
        arguments = self._requests[0].args[1] if len(self._requests[0].args) > 1 else None
        return int(arguments.get("max_gen_toks", self._lm.max_gen_toks)) if isinstance(arguments, dict) else 0


def _text(request: Any) -> str:
    return "".join(argument for argument in request.args if isinstance(argument, str))
