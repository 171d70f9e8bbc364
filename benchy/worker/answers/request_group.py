"""Answers requests that may share a batch: from the store what is there, by the model what is not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

from benchy.errors import NotEnoughMemory
from benchy.worker.answers.batch_size import Batches
from benchy.worker.answers.keeper import AnswerKeeper
from benchy.worker.answers.keys import request_key
from benchy.worker.answers.store import MISSING
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.failures import is_out_of_memory
from benchy.worker.harness.patching import replaced
from benchy.worker.hf.unscorable import refuse_unscorable
from benchy.worker.machine.torch_state import free_memory, set_random_state
from benchy.worker.progress import bars_hidden
from benchy.worker.replicas.distribution import Answered, Sharing

logger = logging.getLogger(__name__)

WINDOW = "window"
"""A part of a long text, of which a rolling log-likelihood is summed up."""

Score = Callable[..., list[Any]]
"""lm-eval's ``_loglikelihood_tokens``."""


class RequestGroup:
    """Requests of one kind, for generation with the same arguments, and what is used to answer them."""

    def __init__(
        self,
        kind: str,
        number: int,
        requests: list[Any],
        *,
        model: LoadedModel,
        keeper: AnswerKeeper,
        sharing: Sharing | None,
    ) -> None:
        """Decide how these requests are answered.

        Args:
            kind: the model's method.
            number: counts the groups of this kind; what is noted about a group is found again by both.
            requests: lm-eval's.
            model: answers what the store does not hold.
            keeper: holds the store, and keeps what the model answers.
            sharing: shares them out among replicas of the model, if there are any.
        """
        self._kind = kind
        self._name = f"{kind} {number}"
        self._requests = requests
        self._model = model
        self._lm = model.lm
        self._keeper = keeper
        self._keys = [request_key(kind, request.args) for request in requests]
        self._draws = kind == "generate_until" and any(_is_drawn(request) for request in requests)
        self._sharing = None if self._draws else sharing  # what is drawn follows one sequence of random numbers
        scoring = model.scoring
        self._planned = kind == "loglikelihood" and scoring is not None and scoring.way == "fast"
        self._batches: Batches | None = None

    @property
    def batch_sizes(self) -> list[int]:
        """All that were used, in their order."""
        return self._batches.used if self._batches else []

    def answer(self) -> list[Any]:
        """Return the answers in the order of the requests.

        Raises:
            NotEnoughMemory: the memory does not suffice for one request.
        """
        found = self._keeper.begin(self._requests, self._keys, draws=self._draws)
        if self._model.batched:
            self._batches = Batches(self._lm, self._keeper.store, self._name, self._requests)
            if self._planned:
                self._batches.settle(self._lm.fitting_batch_size)
        with self._keeping():
            found = self._ask_until_known(found)
        self._keeper.end()
        return found

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        """Let the model tell the keeper what it computes; it is as before afterwards."""
        with ExitStack() as stack:
            stack.enter_context(replaced(self._lm, cache_hook=self._keeper))
            if self._batches:
                hook = self._lm.model.register_forward_pre_hook(lambda *_: self._keeper.write())
                stack.callback(hook.remove)
                stack.enter_context(replaced(self._lm, _loglikelihood_tokens=self._score()))
            yield

    def _ask_until_known(self, found: list[Any]) -> list[Any]:
        missing = _missing(found)
        while missing:
            self._go_on(len(self._requests) - len(missing))
            asked = missing[: self._model.requests_at_once]
            fresh = self._ask_missing(found, asked)
            if fresh is None:
                found = self._keeper.store.take(self._keys)
                missing = _missing(found)
                continue
            self._keeper.keep_rest([self._keys[index] for index in asked], fresh)
            for index, one in zip(asked, fresh, strict=True):
                found[index] = one
            del missing[: len(asked)]
        return found

    def _go_on(self, done: int) -> None:
        """Go on from where the last answer left the random numbers, which may be another group's."""
        if done:
            logger.info("%s: %d of %d requests are answered already", self._name, done, len(self._requests))
        state = self._keeper.store.random_state
        if self._draws and state is not None:
            set_random_state(state)

    def _ask_missing(self, found: list[Any], missing: list[int]) -> list[Any] | None:
        """Return the model's answers to the missing requests; None if the memory did not suffice.

        A model that plans (``FastHFLM``) is asked everything again, and told what is known.
        """
        if not self._planned:
            return self._ask([self._requests[index] for index in missing])
        with replaced(self._lm, known={index: one for index, one in enumerate(found) if one is not MISSING}):
            fresh = self._ask(self._requests)
        return fresh and [fresh[index] for index in missing]

    def _ask(self, requests: list[Any]) -> list[Any] | None:
        """Return the model's answers; None if the memory did not suffice, and the batches are smaller now."""
        batches = self._batches
        self._keeper.expect()
        try:
            with self._bars(), batches.applied() if batches else nullcontext():
                fresh = self._answered_by_model(requests)
            self._keeper.write()
        except Exception as error:
            self._keeper.drop()
            if batches is None or not is_out_of_memory(error):
                raise
            if batches.size == 1:
                raise _not_even_one(error) from error
        else:
            return fresh
        batches.halve()  # only here, since the exception's traceback held the tensors
        free_memory()
        return None

    def _answered_by_model(self, requests: list[Any]) -> list[Any]:
        if self._kind == "generate_until" and self._sharing and self._batches:
            answered = self._sharing.texts(requests, self._batches.settle())
            return self._collect(answered, [request.args for request in requests])
        answers: list[Any] = getattr(self._lm, self._kind)(requests)
        return answers

    def _bars(self) -> AbstractContextManager[None]:
        """Hide lm-eval's bars where the model tells of each answer as it has it: the counter knows better."""
        return bars_hidden() if self._model.requests_at_once is None else nullcontext()

    def _score(self) -> Score:
        """Return what stands in for the model's ``_loglikelihood_tokens`` while this group is answered."""
        score = self._naming_unscorable(self._lm._loglikelihood_tokens)
        if self._kind == "loglikelihood_rolling":
            return self._kept_windows(score)
        return self._shared(score, self._sharing) if self._sharing else score

    def _naming_unscorable(self, score: Score) -> Score:
        """Name the request where lm-eval asserts without a word that there is something to score."""

        def named(requests: list[Any], *args: Any, **kwargs: Any) -> list[Any]:
            try:
                return score(requests, *args, **kwargs)
            except AssertionError:
                for request in requests:
                    refuse_unscorable(request, self._lm.max_length)
                raise

        return named

    def _kept_windows(self, score: Score) -> Score:
        """Keep the parts of long texts: rolling log-likelihoods give one batch of them a call."""

        def kept(requests: list[Any], *args: Any, **kwargs: Any) -> list[Any]:
            keys = [request_key(WINDOW, tokens) for _, *tokens in requests]
            answers = self._keeper.windows(keys, lambda: score(requests, *args, **kwargs))
            characters = sum(len(self._lm.tok_decode(tokens[-1])) for _, *tokens in requests)
            self._keeper.counter.answered_windows(characters)
            return answers

        return kept

    def _shared(self, score: Score, sharing: Sharing) -> Score:
        """Let all replicas score a part; in a chunk of this process's own model, it alone."""

        def shared(requests: list[Any], *args: Any, **kwargs: Any) -> list[Any]:
            if sharing.in_chunk or self._batches is None:
                return score(requests, *args, **kwargs)
            answered = sharing.scores(requests, self._batches.settle(), planned=self._planned)
            return self._collect(answered, [texts for texts, *_ in requests])

        return shared

    def _collect(self, answered: Iterator[Answered], arguments: list[Any]) -> list[Any]:
        """Return the replicas' answers in the order of the requests, each kept as it comes."""
        answers: dict[int, Any] = dict(self._lm.known) if self._planned else {}
        for chunk in answered:
            new = [(index, one) for index, one in chunk if index not in answers]
            for index, answer in new:
                self._keeper.add_partial(self._kind, arguments[index], answer)
            answers |= new
            self._keeper.write()
        return [answers[index] for index in range(len(arguments))]


def _missing(found: Sequence[Any]) -> list[int]:
    return [index for index, one in enumerate(found) if one is MISSING]


def _is_drawn(request: Any) -> bool:
    """Return whether the answer is sampled: another time it would be another."""
    arguments = request.args[1]
    return isinstance(arguments, dict) and bool(arguments.get("do_sample") or arguments.get("temperature"))


def _not_even_one(error: Exception) -> NotEnoughMemory:
    text = " ".join(str(error).split())[:300]
    return NotEnoughMemory(
        f"out of memory with one request a batch: {text}",
        hint="lower model.max_length or evaluation.gen_kwargs max_gen_toks, or take a smaller model.dtype or more GPUs",
    )
