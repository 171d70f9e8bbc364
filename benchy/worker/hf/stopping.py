"""Stop sequences whose end does not depend on the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import StoppingCriteria

MORE_TOKENS = 2
"""A stop sequence may come in so many tokens more than the tokenizer makes of it; lm-eval's own number."""

INDEPENDENT = frozenset({
    "attention_mask", "bad_words_ids", "do_sample", "early_stopping", "length_penalty", "max_length", "min_length",
    "min_p", "no_repeat_ngram_size", "num_beams", "repetition_penalty", "suppress_tokens", "temperature", "top_k",
    "top_p", "typical_p", "use_cache",
})  # fmt: skip
"""Arguments of ``transformers.GenerationConfig`` that mean the same for a batch that goes on with fewer rows; others
count from where it went on (``min_new_tokens``, ``begin_suppress_tokens``), or end texts unseen (``eos_token_id``)."""
INDEPENDENT_OF_MODEL = INDEPENDENT | {
    "_from_model_config", "bos_token_id", "cache_implementation", "eos_token_id", "pad_token_id",
    "transformers_version",
}  # fmt: skip
"""The same where the model's own generation config sets them."""


class OwnStops(StoppingCriteria):  # type: ignore[misc]
    """Says of each row of a batch whether its text has ended."""

    def __init__(self, lm: Any, stops: Sequence[str], prompt_length: int, *, pauses: bool) -> None:
        """For one batch.

        Args:
            lm: lm-eval's model.
            stops: what ends a text.
            prompt_length: tokens of each row before the generated ones.
            pauses: whether generation ends once half of the rows have, so that it can go on without them.
        """
        self._lm = lm
        self._stops = stops
        self._prompt_length = prompt_length
        self._pauses = pauses
        lengths = (len(lm.tokenizer.encode(stop, add_special_tokens=False)) for stop in self._stops)
        self._window = max(lengths, default=0) + MORE_TOKENS
        self._end_tokens = _as_set(lm.model.generation_config.eos_token_id)
        self._ended: set[int] = set()

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_arguments: Any) -> torch.Tensor:  # noqa: ARG002
        """``[rows]``, after one more token."""
        generated = input_ids[:, self._prompt_length :]
        rows = range(len(generated))
        going = self.going(rows)
        latest = generated[going, -self._window :].tolist()
        for row, tokens, text in zip(going, latest, self._lm.tokenizer.batch_decode(latest), strict=True):
            if tokens[-1] in self._end_tokens or (self._holds_a_stop(text) and self._is_cut(generated[row])):
                self._ended.add(row)
        pauses = self._pauses and 2 * len(self._ended) >= len(rows)
        return torch.tensor([pauses or row in self._ended for row in rows], device=input_ids.device)

    def going(self, rows: Sequence[int]) -> list[int]:
        """Those that have not ended."""
        return [row for row in rows if row not in self._ended]

    def _is_cut(self, tokens: torch.Tensor) -> bool:
        """Whether lm-eval will cut the text at a stop sequence: it leaves out special tokens."""
        return self._holds_a_stop(self._lm.tok_decode(tokens.tolist()))

    def _holds_a_stop(self, text: str) -> bool:
        return any(stop in text for stop in self._stops)


def ends_alone(lm: Any, stops: Sequence[str], arguments: dict[str, Any]) -> bool:
    """Whether each text may end without the others.

    Drawn texts depend on how many numbers were drawn before them, beams change their rows, and what was thought is cut
    off before a stop sequence is looked for.
    """
    own = lm.model.generation_config
    drawn = arguments.get("do_sample") or arguments.get("temperature")
    beams = arguments.get("num_beams") or own.num_beams or 1
    return (
        lm.backend == "causal"
        and lm.think_end_token is None
        and not drawn
        and beams == 1
        and _set_in(arguments) <= INDEPENDENT
        and _set_in(own.to_diff_dict()) <= INDEPENDENT_OF_MODEL
        and not _depends_on_the_batch(lm, stops)
    )


def _set_in(settings: dict[str, Any]) -> set[str]:
    return {name for name, value in settings.items() if value is not None and value is not False}


def _depends_on_the_batch(lm: Any, stops: Sequence[str]) -> bool:
    """Whether what lm-eval cuts off a text depends on how long the other texts of its batch are.

    It ends a batch at an empty stop sequence and at special tokens, and cuts at neither. And where a sequence lies
    inside another, lm-eval cuts at the outer one if the batch went on for so long.
    """
    ends = set(lm.tokenizer.convert_ids_to_tokens(sorted(_as_set(lm.model.generation_config.eos_token_id))))
    added = (token.content for token in lm.tokenizer.added_tokens_decoder.values() if token.special)
    special = {*added, *lm.tokenizer.all_special_tokens} - ends
    return (
        "" in stops
        or any(stop in token or token in stop for stop in stops for token in special)
        or any(inner in outer[1:-1] for inner in stops for outer in stops)
    )


def _as_set(tokens: Any) -> set[int]:
    return set(torch.tensor([] if tokens is None else tokens).flatten().tolist())
