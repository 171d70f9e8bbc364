"""The lm-eval model type ``hf-fast``: lm-eval's own Hugging Face model with faster log-likelihoods."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from lm_eval.models.huggingface import HFLM
from tqdm import tqdm

from benchy.worker.fast.budget import Budget, model_shape, stock_budget
from benchy.worker.fast.forward import Forward
from benchy.worker.fast.plan import Request, make_plan
from benchy.worker.fast.soundness import disagreement, longest_sound, reason_for_stock, windows
from benchy.worker.fast.tokens import EncodedPair, encode_pairs

logger = logging.getLogger(__name__)

Answer = tuple[float, bool]


class FastHFLM(HFLM):  # type: ignore[misc]
    """Scores all continuations of a context from one pass over it, and prefixes that documents share only once.

    Where that is not sound it is lm-eval's own class, and says so in the log.
    """

    @cached_property
    def forward(self) -> Forward | None:
        """What computes the faster way; None where that is not sound."""
        reason = reason_for_stock(self)
        if reason is None:
            forward = Forward(self.model, windows(self.model), self._autocast)
            reason = disagreement(forward, self.model, self._autocast)
        if reason is None:
            return forward
        logger.warning("Scoring continuations as plain lm-eval does, which is slower: %s", reason)
        return None

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[Answer]:
        """lm-eval's, with batched tokenization."""
        if self.enable_thinking or self.backend != "causal" or not self.tokenizer.is_fast:
            answers: list[Answer] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
            return answers
        encoded = encode_pairs(self, [request.args for request in requests])
        bar = tqdm(encoded, total=len(requests), desc="Tokenizing inputs", disable=disable_tqdm)
        return self._loglikelihood_tokens(list(bar), disable_tqdm=disable_tqdm)

    def _loglikelihood_tokens(
        self,
        requests: Sequence[EncodedPair | tuple[None, list[int], list[int]]],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
    ) -> list[Answer]:
        answers: list[Any] = [None] * len(requests)
        wanted = [] if self.forward is None else self._packable(requests)
        if rest := sorted(set(range(len(requests))) - {request.index for request in wanted}):
            stock = super()._loglikelihood_tokens([requests[k] for k in rest], disable_tqdm, override_bs)
            for index, answer in zip(rest, stock, strict=True):
                answers[index] = answer
        if wanted and self.forward:
            self._score(wanted, requests, answers, self.forward, disable_tqdm)
        return answers

    def _packable(self, requests: Sequence[Any]) -> list[Request]:
        """The requests that are not too long for the faster way."""
        limit = longest_sound(self.model)
        found = [self._request(index, *request) for index, request in enumerate(requests)]
        if cut := sum(len(r[1]) + len(r[2]) > self.max_length + 1 for r in requests):
            logger.warning("%d of %d contexts do not fit into max_length and lose their beginning", cut, len(found))
        kept = [request for request in found if limit is None or len(request.tokens) <= limit]
        if len(kept) < len(found):
            logger.warning(
                "Scoring %d of %d continuations as plain lm-eval does, which is slower: "
                "they are longer than the sliding window of %d tokens",
                len(found) - len(kept), len(found), limit,
            )  # fmt: skip
        return kept

    def _request(self, index: int, strings: Any, context: list[int], continuation: list[int]) -> Request:
        if not context or not 0 < len(continuation) <= self.max_length:
            where = f"{strings[1]!r:.80} behind {strings[0][-80:]!r}" if strings else "in a text"
            raise ValueError(
                f"cannot score {len(continuation)} tokens behind {len(context)}, {where}: a context needs at least 1 "
                f"token, and a continuation from 1 to max_length, which is {self.max_length}"
            )
        tokens = np.array(context + continuation, dtype=np.int32)[-(self.max_length + 1) :]
        return Request(index, tokens[:-1], tokens[-len(continuation) :])

    def _score(
        self,
        wanted: list[Request],
        requests: Sequence[Any],
        answers: list[Any],
        forward: Forward,
        disable_tqdm: bool,
    ) -> None:
        budget = self._budget(max(len(request.tokens) for request in wanted))
        plan = make_plan(wanted, budget.row_limit())
        desc = "Running loglikelihood requests"
        with tqdm(total=len(wanted), disable=disable_tqdm or self.rank != 0, desc=desc) as bar:
            for scores in forward.scores(plan, budget):
                for score in scores:
                    answer = (score.log_likelihood, score.is_greedy)
                    answers[score.request.index] = answer
                    if (strings := requests[score.request.index][0]) is not None:
                        self.cache_hook.add_partial("loglikelihood", strings, answer)
                    bar.update(1)

    def _budget(self, longest: int) -> Budget:
        automatic = self.batch_size == "auto"
        return stock_budget(
            model_shape(self.model),
            batch_size=self.max_batch_size if automatic else self.batch_size,
            longest=longest,
            device=self.device.type,
            free=torch.cuda.mem_get_info(self.device)[0] if automatic and self.device.type == "cuda" else None,
        )

    def _autocast(self) -> torch.autocast:
        dtype = self.mixed_precision_dtype
        return torch.autocast(device_type=self.device.type, dtype=dtype, enabled=dtype is not None)
