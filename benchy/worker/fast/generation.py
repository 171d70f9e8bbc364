"""Ends each generated text at its own stop sequence, where plain lm-eval waits for the whole batch.

lm-eval 0.4.13 ends a batch when every text of it has met the same stop sequence, or all have ended by themselves (or
at the most tokens). Where one text of the batch meets another sequence than the others, or ends by itself, all of them
run on to the most tokens; what they say there is cut off afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from lm_eval.models import huggingface
from transformers import StoppingCriteria, StoppingCriteriaList

from benchy.worker.patching import replaced

MORE_TOKENS = 2
"""A stop sequence may come in so many tokens more than the tokenizer makes of it; lm-eval's own number."""


class OwnStops(StoppingCriteria):  # type: ignore[misc]
    """Says of each row of a batch whether its text holds a stop sequence."""

    def __init__(self, lm: Any, stops: Sequence[str], prompt_length: int) -> None:
        """For one batch.

        Args:
            lm: lm-eval's model.
            stops: what ends a text.
            prompt_length: tokens of each row before the generated ones.
        """
        self._lm = lm
        self._stops = [stop for stop in stops if stop]
        self._prompt_length = prompt_length
        lengths = (len(lm.tokenizer.encode(stop, add_special_tokens=False)) for stop in self._stops)
        self._window = max(lengths, default=0) + MORE_TOKENS
        self._ended: set[int] = set()

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_arguments: Any) -> torch.Tensor:  # noqa: ARG002
        """``[rows]``, whether each has ended, after one more token."""
        generated = input_ids[:, self._prompt_length :]
        going = [row for row in range(len(generated)) if row not in self._ended]
        latest = self._lm.tokenizer.batch_decode(generated[going, -self._window :])
        for row, text in zip(going, latest, strict=True):
            if self._holds_a_stop(text) and self._holds_a_stop(self._lm.tok_decode(generated[row].tolist())):
                self._ended.add(row)  # only if lm-eval will cut there: it leaves out special tokens
        return torch.tensor([row in self._ended for row in range(len(generated))], device=input_ids.device)

    def _holds_a_stop(self, text: str) -> bool:
        return any(stop in text for stop in self._stops)


@contextmanager
def own_stops(lm: Any, requests: Sequence[Any]) -> Iterator[None]:
    """lm-eval generates so inside, where that gives the same texts."""

    def criteria(_tokenizer: Any, stops: Sequence[str], prompt_length: int, _rows: int) -> StoppingCriteriaList:
        return StoppingCriteriaList([OwnStops(lm, stops, prompt_length)])

    sound = lm.backend == "causal" and lm.think_end_token is None and all(map(_is_greedy, requests))
    with replaced(huggingface, **({"stop_sequences_criteria": criteria} if sound else {})):
        yield


def _is_greedy(request: Any) -> bool:
    """Drawn texts depend on how many were drawn before them, and beams change their rows."""
    arguments = request.args[1]
    return not (arguments.get("do_sample") or arguments.get("temperature") or arguments.get("num_beams", 1) > 1)
