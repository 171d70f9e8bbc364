"""Answers lm-eval's requests: from the store what is there, by the model what is not; each answer is kept at once."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

from benchy.errors import NotEnoughMemory
from benchy.worker.answers.batch_size import Batches
from benchy.worker.answers.keys import request_key
from benchy.worker.answers.non_finite import refuse_non_finite
from benchy.worker.answers.progress import RequestCounter
from benchy.worker.answers.store import MISSING, AnswerStore, Kept
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.failures import is_out_of_memory
from benchy.worker.harness.patching import replaced
from benchy.worker.hf.unscorable import refuse_unscorable
from benchy.worker.machine.torch_state import free_memory, random_state, set_random_state
from benchy.worker.progress import bars_hidden
from benchy.worker.replicas.distribution import Answered, Sharing
from benchy.worker.replicas.pool import Replicas

logger = logging.getLogger(__name__)

KINDS = ("loglikelihood", "loglikelihood_rolling", "generate_until")
WINDOW = "window"
"""A part of a long text, of which a rolling log-likelihood is summed up."""

Answer = Callable[[list[Any]], list[Any]]


class Answering:
    """Stands between lm-eval and the model for one evaluation.

    lm-eval's models call ``cache_hook.add_partial`` after each answer, in batches. A batch is written before the next
    forward pass begins, whole, so that the answers on disk are always those of whole batches: what is asked again after
    a crash falls into the same batches as before, and the scores are the same to the last digit, since the padding of a
    batch touches it. A model that plans (``FastHFLM``) is asked everything again, and told what is known.
    """

    def __init__(
        self, model: LoadedModel, store: AnswerStore, counter: RequestCounter, replicas: Replicas | None = None
    ) -> None:
        self._model = model
        lm = self._lm = model.lm
        self._store = store
        self._counter = counter
        self._sharing = Sharing(lm, replicas) if replicas else None
        self._batches: Batches | None = None
        self._batched = model.batched
        self._at_once = model.requests_at_once
        scoring = model.scoring
        self._plans = scoring is not None and scoring.way == "fast"
        self._pending: list[Kept] = []
        self._keys: dict[tuple[str, ...], str] = {}
        self._given: Counter[str] = Counter()
        self._windows_seen: Counter[str] = Counter()
        self._answering = self._rolling = self._draws = self._planned = False
        self.batch_sizes: list[int] = []
        """All that were used, in their order."""
        self.found = 0
        """How many answers were in the store when they were asked for."""
        self.found_seconds = 0.0
        """How long the workers that are gone took for these."""
        self._asked_at = 0.0

    @contextmanager
    def standing_in(self) -> Iterator[None]:
        """The model's methods go through here; they are as before afterwards."""
        methods = {kind: self._kept(kind, getattr(self._lm, kind)) for kind in KINDS}
        with ExitStack() as stack:
            if self._batched:
                hook = self._lm.model.register_forward_pre_hook(lambda *_: self._write_pending())
                stack.callback(hook.remove)
                score = self._shared_scores(self._naming_unscorable(self._lm._loglikelihood_tokens))
                stack.enter_context(replaced(self._lm, _loglikelihood_tokens=self._kept_windows(score)))
            stack.enter_context(replaced(self._lm, cache_hook=self, **methods))
            yield

    def add_partial(self, kind: str, arguments: Sequence[Any], answer: Any) -> None:
        """lm-eval's ``CacheHook.add_partial``."""
        key = self._keys.get(_texts(arguments)) or request_key(kind, arguments)
        self._given[key] += 1
        self._pending.append((key, answer))
        if not self._batched:
            self._write_pending()

    def _kept(self, kind: str, answer: Answer) -> Answer:
        """A method of the model that asks the store first."""

        def kept(requests: list[Any], *args: Any, **kwargs: Any) -> list[Any]:
            if self._answering:  # a model type may answer one kind of request with another
                return answer(requests, *args, **kwargs)
            self._answering = True
            try:
                found: list[Any] = [MISSING] * len(requests)
                for number, part in enumerate(self._parts(kind, requests)):
                    fresh = self._answer(kind, f"{kind} {number}", answer, [requests[index] for index in part])
                    for index, one in zip(part, fresh, strict=True):
                        found[index] = one
                if kind != "generate_until":
                    refuse_non_finite(self._model, requests, found)
                return found
            finally:
                self._answering = False

        return kept

    def _parts(self, kind: str, requests: Sequence[Any]) -> list[list[int]]:
        """Indices of requests that may share a batch. lm-eval's own order of the parts depends on what is asked."""
        if kind != "generate_until":
            return [list(range(len(requests)))]
        parts: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            parts.setdefault(json.dumps(request.args[1], sort_keys=True, default=str), []).append(index)
        return list(parts.values())

    def _answer(self, kind: str, part: str, answer: Answer, requests: list[Any]) -> list[Any]:
        keys = [request_key(kind, request.args) for request in requests]
        self._keys = {_texts(request.args): key for request, key in zip(requests, keys, strict=True)}
        self._keys.pop((), None)
        found = self._store.take(keys)
        self.found += sum(one is not MISSING for one in found)
        self.found_seconds += self._store.seconds(keys)
        self._counter.ask(requests, keys, [one is not MISSING for one in found])
        batches = self._batches = Batches(self._lm, self._store, part, requests) if self._batched else None
        self._rolling = kind == "loglikelihood_rolling"
        self._draws = kind == "generate_until" and any(_is_drawn(request) for request in requests)
        if self._sharing and kind == "generate_until" and not self._draws:
            answer = self._share_generation
        self._planned = self._plans and kind == "loglikelihood"
        if self._planned and batches:
            batches.settle(self._lm.fitting_batch_size)
        missing = _missing(found)
        while missing:
            self._go_on(part, len(requests) - len(missing), len(requests))
            asked = missing[: self._at_once]
            fresh = self._ask_missing(answer, requests, found, asked, batches)
            if fresh is None:
                found = self._store.take(keys)
                missing = _missing(found)
                continue
            self._keep_rest([keys[index] for index in asked], fresh)
            for index, one in zip(asked, fresh, strict=True):
                found[index] = one
            del missing[: len(asked)]
        self.batch_sizes += batches.used if batches else []
        self._counter.tell()
        self._keys.clear()
        return found

    def _go_on(self, part: str, done: int, total: int) -> None:
        """From where the last answer left the random numbers, which may be another part's."""
        if done:
            logger.info("%s: %d of %d requests are answered already", part, done, total)
        if self._draws and self._store.random_state is not None:
            set_random_state(self._store.random_state)

    def _ask_missing(
        self, answer: Answer, requests: list[Any], found: list[Any], missing: list[int], batches: Batches | None
    ) -> list[Any] | None:
        """The model's answers to the missing requests; None if the memory did not suffice.

        Raises:
            NotEnoughMemory: not even for one request.
        """
        if not self._planned:
            return self._ask(answer, [requests[index] for index in missing], batches)
        with replaced(self._lm, known={index: one for index, one in enumerate(found) if one is not MISSING}):
            fresh = self._ask(answer, requests, batches)
        return fresh and [fresh[index] for index in missing]

    def _ask(self, answer: Answer, requests: list[Any], batches: Batches | None) -> list[Any] | None:
        """The model's answers; None if the memory did not suffice, and the batches are smaller now.

        Raises:
            NotEnoughMemory: not even for one request.
        """
        self._given, self._windows_seen = Counter(), Counter()
        self._asked_at = time.monotonic()
        try:
            with self._bars(), batches.applied() if batches else nullcontext():
                fresh = answer(requests)
            self._write_pending()
        except Exception as error:
            self._pending.clear()
            if batches is None or not is_out_of_memory(error):
                raise
            if batches.size == 1:
                raise _not_even_one(error) from error
        else:
            return fresh
        batches.halve()  # only here, since the exception's traceback held the tensors
        free_memory()
        return None

    def _bars(self) -> AbstractContextManager[None]:
        """The counter knows better than bars, where the model says its answers as it has them."""
        return bars_hidden() if self._at_once is None else nullcontext()

    def _keep_rest(self, keys: list[str], answers: list[Any]) -> None:
        """Of a model type that does not say each answer to the hook."""
        rest = []
        for key, answer in zip(keys, answers, strict=True):
            if self._given[key]:
                self._given[key] -= 1
            else:
                rest.append((key, answer))
        if rest:
            self._keep(rest)

    def _naming_unscorable(self, score: Answer) -> Answer:
        """``_loglikelihood_tokens``, in which lm-eval asserts without a word that there is something to score."""

        def named(requests: list[Any], *args: Any, **kwargs: Any) -> list[Any]:
            try:
                return score(requests, *args, **kwargs)
            except AssertionError:
                for request in requests:
                    refuse_unscorable(request, self._lm.max_length)
                raise

        return named

    def _kept_windows(self, score: Answer) -> Answer:
        """``_loglikelihood_tokens``, to which rolling log-likelihoods give one batch of windows a call."""

        def kept(requests: list[Any], *args: Any, **kwargs: Any) -> list[Any]:
            if not self._rolling:
                return score(requests, *args, **kwargs)
            keys = [request_key(WINDOW, tokens) for _, *tokens in requests]
            found = self._store.take(keys, seen=self._windows_seen)
            if MISSING in found:
                fresh = score(requests, *args, **kwargs)
                new = [(key, one) for key, one, old in zip(keys, fresh, found, strict=True) if old is MISSING]
                self._pending += new
            else:
                fresh = found
                self.found_seconds += self._store.seconds(keys)
            self._counter.answered_windows(sum(len(self._lm.tok_decode(tokens[-1])) for _, *tokens in requests))
            return fresh

        return kept

    def _shared_scores(self, score: Answer) -> Answer:
        """``_loglikelihood_tokens``, of which all replicas do a part."""

        def shared(requests: list[Any], *args: Any, **kwargs: Any) -> list[Any]:
            if not self._sharing or not self._batches or self._rolling or self._sharing.in_chunk:
                return score(requests, *args, **kwargs)
            answered = self._sharing.scores(requests, self._batches.settle(), planned=self._planned)
            return self._collect("loglikelihood", answered, [texts for texts, *_ in requests])

        return shared

    def _share_generation(self, requests: list[Any]) -> list[Any]:
        """``generate_until``, of which all replicas do a part; not of drawn answers, which follow one sequence."""
        assert self._sharing and self._batches  # noqa: S101, PT018 - replicas are Hugging Face models
        answered = self._sharing.texts(requests, self._batches.settle())
        return self._collect("generate_until", answered, [request.args for request in requests])

    def _collect(self, kind: str, answered: Iterator[Answered], arguments: list[Any]) -> list[Any]:
        """All answers in the order of the requests, each kept as it comes."""
        answers: dict[int, Any] = dict(self._lm.known) if self._planned else {}
        for chunk in answered:
            new = [(index, one) for index, one in chunk if index not in answers]
            for index, answer in new:
                self.add_partial(kind, arguments[index], answer)
            answers |= new
            self._write_pending()
        return [answers[index] for index in range(len(arguments))]

    def _write_pending(self) -> None:
        if self._pending:
            batch, self._pending = self._pending, []
            self._keep(batch)

    def _keep(self, batch: list[Kept]) -> None:
        now = time.monotonic()
        state = random_state() if self._draws else None
        self._store.keep(batch, seconds=now - self._asked_at, random_state=state)
        self._asked_at = now
        self._counter.answered(key for key, _ in batch)


def _missing(found: Sequence[Any]) -> list[int]:
    return [index for index, one in enumerate(found) if one is MISSING]


def _texts(arguments: Sequence[Any]) -> tuple[str, ...]:
    """What tells requests of one part from each other, cheaper than their keys; nothing if more than text does."""
    texts = tuple(one for one in arguments if isinstance(one, str))
    return texts if len(texts) == len(arguments) or len(arguments) == 2 else ()


def _is_drawn(request: Any) -> bool:
    """Whether the answer is sampled: another time it would be another."""
    arguments = request.args[1]
    return isinstance(arguments, dict) and bool(arguments.get("do_sample") or arguments.get("temperature"))


def _not_even_one(error: Exception) -> NotEnoughMemory:
    text = " ".join(str(error).split())[:300]
    return NotEnoughMemory(
        f"out of memory with one request a batch: {text}",
        hint="lower model.max_length or evaluation.gen_kwargs max_gen_toks, or take a smaller model.dtype or more GPUs",
    )
