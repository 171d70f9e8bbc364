"""ResumableLM: the model that lm-eval sees, which keeps each answer at once and asks for none a second time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lm_eval.api.model import LM

from benchy.worker.answers.keeper import AnswerKeeper
from benchy.worker.answers.non_finite import refuse_non_finite
from benchy.worker.answers.progress import RequestCounter
from benchy.worker.answers.request_group import RequestGroup
from benchy.worker.answers.store import MISSING, AnswerStore
from benchy.worker.answers.timing import Clock
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.replicas.distribution import Sharing
from benchy.worker.replicas.pool import Replicas


class ResumableLM(LM):  # type: ignore[misc]
    """Stands between lm-eval and the model for one evaluation.

    It answers the three kinds of requests itself; all else that lm-eval asks of a model is the model's own. What it
    does not have is looked up there, and what lm-eval's base class would answer for it is handed on by name.
    """

    def __init__(
        self,
        model: LoadedModel,
        store: AnswerStore,
        counter: RequestCounter,
        clock: Clock,
        replicas: Replicas | None = None,
    ) -> None:
        """Wrap a model; the attributes of lm-eval's base class are the model's, so that its ``__init__`` is not called.

        Args:
            model: what answers.
            store: where answers are found and kept.
            counter: is told how far it is.
            clock: times the answers.
            replicas: copies of the model that share the work.
        """
        self.inner = model.lm
        self._loaded = model
        self._clock = clock
        self._keeper = AnswerKeeper(store, counter, batched=model.batched)
        self._sharing = Sharing(model.lm, replicas) if replicas else None
        self.used_batch_sizes: list[int] = []
        """All batch sizes that were used, in their order."""

    def loglikelihood(self, requests: list[Any]) -> list[Any]:
        """Answer with log-likelihoods of continuations."""
        return self._scores("loglikelihood", requests)

    def loglikelihood_rolling(self, requests: list[Any]) -> list[Any]:
        """Answer with log-likelihoods of whole texts."""
        return self._scores("loglikelihood_rolling", requests)

    def generate_until(self, requests: list[Any]) -> list[Any]:
        """Answer with texts."""
        with self._clock.inference(requests, lambda: self.found_seconds):
            return self._answer("generate_until", requests, _same_arguments(requests))

    @property
    def found(self) -> int:
        """How many answers were in the store when they were asked for."""
        return self._keeper.found

    @property
    def found_seconds(self) -> float:
        """How long the workers that are gone took for these."""
        return self._keeper.found_seconds

    def _scores(self, kind: str, requests: list[Any]) -> list[Any]:
        with self._clock.inference(requests, lambda: self.found_seconds):
            answers = self._answer(kind, requests, [list(range(len(requests)))])
            refuse_non_finite(self._loaded, requests, answers)
            return answers

    def _answer(self, kind: str, requests: list[Any], groups: list[list[int]]) -> list[Any]:
        answers: list[Any] = [MISSING] * len(requests)
        for number, indices in enumerate(groups):
            own = [requests[index] for index in indices]
            group = RequestGroup(kind, number, own, model=self._loaded, keeper=self._keeper, sharing=self._sharing)
            for index, one in zip(indices, group.answer(), strict=True):
                answers[index] = one
            self.used_batch_sizes += group.batch_sizes
        return answers

    def __getattr__(self, name: str) -> Any:
        """Look up in the model what lm-eval's base class does not have."""
        return getattr(vars(self)["inner"], name)

    @property
    def device(self) -> Any:
        """The model's own, as all below."""
        return self.inner.device

    @property
    def rank(self) -> int:
        """Which of the processes this is."""
        return int(self.inner.rank)

    @property
    def world_size(self) -> int:
        """How many processes share the requests."""
        return int(self.inner.world_size)

    @property
    def tokenizer_name(self) -> str:
        """What the cache of built requests knows the chat template by."""
        return str(self.inner.tokenizer_name)

    def all_gather(self, tensor: Any) -> Any:
        """Gather a tensor of each rank."""
        return self.inner.all_gather(tensor)

    def gather_object(self, obj: Any, dst: int = 0) -> Any:
        """Gather an object of each rank."""
        return self.inner.gather_object(obj, dst=dst)

    def barrier(self) -> None:
        """Wait for all ranks."""
        self.inner.barrier()

    def apply_chat_template(self, *args: Any, **kwargs: Any) -> Any:
        """Put messages into the chat template."""
        return self.inner.apply_chat_template(*args, **kwargs)

    def chat_template(self, *args: Any, **kwargs: Any) -> Any:
        """Return the chat template."""
        return self.inner.chat_template(*args, **kwargs)

    def set_cache_hook(self, cache_hook: Any) -> None:
        """Hand on lm-eval's cache."""
        self.inner.set_cache_hook(cache_hook)


def _same_arguments(requests: Sequence[Any]) -> list[list[int]]:
    """Return the places of requests that may share a batch. lm-eval's own order of them depends on what is asked."""
    groups: dict[str, list[int]] = {}
    for index, request in enumerate(requests):
        groups.setdefault(json.dumps(request.args[1], sort_keys=True, default=str), []).append(index)
    return list(groups.values())
