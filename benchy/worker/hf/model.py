"""lm-eval's own Hugging Face model with faster log-likelihoods: ``backend: hf``."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from lm_eval.models.huggingface import HFLM
from tqdm import tqdm

from benchy.worker.hf.forward import Forward
from benchy.worker.hf.generation import generate, generate_shrinking
from benchy.worker.hf.memory_budget import Budget, model_shape, stock_budget
from benchy.worker.hf.plan import Batch, Request, Tokens, make_plan
from benchy.worker.hf.stopping import ends_alone
from benchy.worker.hf.support import disagreement, reason_for_stock, windows
from benchy.worker.hf.tokenization import EncodedPair, encode_pairs
from benchy.worker.hf.unscorable import refuse_unscorable

logger = logging.getLogger(__name__)

Answer = tuple[float, bool]
Asked = Sequence[EncodedPair | tuple[None, list[int], list[int]]]


class FastHFLM(HFLM):  # type: ignore[misc]
    """Scores all continuations of a context from one pass over it, and prefixes that documents share only once.

    Where that is not sound it is lm-eval's own class, and says so in the log.
    """

    known: Mapping[int, Answer] = {}
    """Answers from before a crash, by the places of their requests. The batches are those of all requests, so that
    the last digit of no answer depends on them; a batch of which all is known is left out."""

    @cached_property
    def forward(self) -> Forward:
        """What computes the faster way."""
        return Forward(self.model, windows(self.model), self._autocast)

    @cached_property
    def stock_reason(self) -> str | None:
        """Why continuations are scored as plain lm-eval does; None if they are not. Found out, and logged, once."""
        reason = reason_for_stock(self) or disagreement(self.forward, self.model, self._autocast)
        if reason is not None:
            logger.warning("Scoring continuations as plain lm-eval does, which is slower: %s", reason)
        return reason

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[Answer]:
        """lm-eval's, with batched tokenization."""
        if self.enable_thinking or self.backend != "causal" or not self.tokenizer.is_fast:
            answers: list[Answer] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
            return answers
        encoded = encode_pairs(self, [request.args for request in requests])
        bar = tqdm(encoded, total=len(requests), desc="Tokenizing inputs", disable=disable_tqdm)
        return self._loglikelihood_tokens(list(bar), disable_tqdm=disable_tqdm)

    def _model_generate(self, context: Any, max_length: int, stop: list[str], **arguments: Any) -> Any:
        """lm-eval's, in which each text ends at its own stop sequence."""
        arguments |= {"max_length": max_length}
        if not ends_alone(self, stop, arguments):
            return super()._model_generate(context=context, stop=stop, **arguments)
        if reason_for_stock(self) or self.model.generation_config.cache_implementation is not None:
            return generate(self, super()._model_generate, context, stop, **arguments)
        return generate_shrinking(self, super()._model_generate, context, stop, **arguments)

    def _loglikelihood_tokens(
        self, requests: Asked, disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[Answer]:
        if self.stock_reason is not None:
            stock: list[Answer] = super()._loglikelihood_tokens(requests, disable_tqdm, override_bs)
            return stock
        answers = dict(self.known)
        left = len(requests) - len(answers)
        batches = self.plan(requests, override_bs)
        desc = "Running loglikelihood requests"
        with tqdm(total=left, disable=disable_tqdm or self.rank != 0, desc=desc) as bar:
            for index, answer in self.score(batches):
                if index not in self.known:
                    answers[index] = answer
                    if (strings := requests[index][0]) is not None:
                        self.cache_hook.add_partial("loglikelihood", strings, answer)
                    bar.update(1)
        return [answers[index] for index in range(len(requests))]

    def plan(self, requests: Asked, batch_size: int | None = None) -> list[Batch]:
        """Return the batches that hold a request of which the answer is not known.

        Args:
            requests: all of them, as lm-eval tokenized them.
            batch_size: plain lm-eval's, whose memory is not exceeded; this model's own if not given.

        Raises:
            EvaluationFailed: one has no context, no continuation, or one longer than the model reads.
        """
        if not requests:
            return []
        budget = self._budget(requests, batch_size)
        batches = budget.batches(make_plan(self._distinct(requests), budget.row_limit()))
        return [batch for batch in batches if not self.known.keys() >= set(batch.indices)]

    def score(self, batches: Iterable[Batch]) -> Iterator[tuple[int, Answer]]:
        """Yield the place and the answer of each request in these batches, in their order."""
        for scores in self.forward.scores(batches):
            for score in scores:
                for index in score.request.indices:
                    yield index, (score.log_likelihood, score.is_greedy)

    def fitting_batch_size(self, longest: int) -> int:
        """Where a batch size of ``auto`` ends, found without trying.

        Args:
            longest: tokens of the longest request; plain lm-eval's batch of such takes at most half the free memory.
        """
        size = int(self.max_batch_size)
        if self.device.type != "cuda":
            return size
        free, _ = torch.cuda.mem_get_info(self.device)
        while size > 1 and self._budget_of(size, longest).limit > free // 2:
            size //= 2
        return size

    def _distinct(self, requests: Asked) -> list[Request]:
        """Each request once."""
        found: dict[tuple[bytes, int], tuple[Tokens, list[int]]] = {}
        for index, request in enumerate(requests):
            tokens = self._tokens(*request)
            found.setdefault((tokens.tobytes(), len(request[2])), (tokens, []))[1].append(index)
        if cut := sum(len(context) + len(continuation) > self.max_length + 1 for _, context, continuation in requests):
            logger.warning("%d of %d contexts do not fit into max_length and lose their beginning", cut, len(requests))
        return [Request(tuple(at), tokens[:-1], tokens[-scored:]) for (_, scored), (tokens, at) in found.items()]

    def _tokens(self, strings: Any, context: list[int], continuation: list[int]) -> Tokens:
        """Return what is read and what is scored, cut from the left."""
        refuse_unscorable((strings, context, continuation), self.max_length)
        return np.array(context + continuation, dtype=np.int32)[-(self.max_length + 1) :]

    def _budget(self, requests: Asked, batch_size: int | None) -> Budget:
        read = max(len(context) + len(continuation) for _, context, continuation in requests) - 1
        longest = min(read, self.max_length)
        own = self.fitting_batch_size(longest) if self.batch_size == "auto" else self.batch_size
        return self._budget_of(batch_size or own, longest)

    def _budget_of(self, batch_size: int, longest: int) -> Budget:
        shape = model_shape(self.model)
        return stock_budget(shape, batch_size=batch_size, longest=longest, device=self.device.type)

    def _autocast(self) -> torch.autocast:
        dtype = self.mixed_precision_dtype
        return torch.autocast(device_type=self.device.type, dtype=dtype, enabled=dtype is not None)
