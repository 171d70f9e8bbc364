"""Ends each generated text at its own stop sequence, and computes no more for those that have ended.

lm-eval 0.4.13 ends a batch when every text of it has met the same stop sequence, or all have ended by themselves.
Where one of them meets another sequence than the others, or ends by itself, all of the batch run on to the most tokens;
what they say there is cut off afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from lm_eval.models import huggingface
from transformers import StoppingCriteriaList
from transformers.cache_utils import DynamicCache

from benchy.worker.harness.patching import replaced
from benchy.worker.hf.forward import cache_name
from benchy.worker.hf.stopping import OwnStops


def generate(
    lm: Any, model_generate: Callable[..., torch.Tensor], prompts: torch.Tensor, stop: list[str], **arguments: Any
) -> torch.Tensor:
    """Return the tokens of all rows, in one go.

    Args:
        lm: lm-eval's model.
        model_generate: its own ``_model_generate``.
        prompts: ``[rows, tokens]``.
        stop: what ends a text.
        arguments: more of ``model_generate``'s.
    """
    own = OwnStops(lm, stop, prompts.shape[1], pauses=False)
    with _ended_by(own):
        return model_generate(context=prompts, stop=stop, **arguments)


def generate_shrinking(
    lm: Any,
    model_generate: Callable[..., torch.Tensor],
    prompts: torch.Tensor,
    stop: list[str],
    *,
    attention_mask: torch.Tensor,
    max_length: int,
    **arguments: Any,
) -> torch.Tensor:
    """As ``generate``, but each time that half of the rows have ended, the batch goes on without them.

    Args:
        lm: lm-eval's model.
        model_generate: its own ``_model_generate``.
        prompts: ``[rows, tokens]``.
        stop: what ends a text.
        attention_mask: ``[rows, tokens]``.
        max_length: the most tokens of a row.
        arguments: more of ``model_generate``'s.
    """
    texts = prompts.new_full((len(prompts), max_length), lm.tokenizer.pad_token_id)
    going = torch.arange(len(prompts), device=prompts.device)
    cache = DynamicCache(config=lm.model.config.get_text_config(decoder=True))
    arguments |= {cache_name(lm.model): cache, "max_length": max_length}
    rows, length = prompts, -1  # transformers refuses to generate nothing
    while len(going) and length < max_length:
        own = OwnStops(lm, stop, prompts.shape[1], pauses=True)
        with _ended_by(own):
            rows = model_generate(context=rows, attention_mask=attention_mask, stop=stop, **arguments)
        length = rows.shape[1]
        texts[going, :length] = rows
        left = torch.tensor(own.going(range(len(rows))), dtype=torch.long, device=rows.device)
        going, rows = going[left], rows[left]
        attention_mask = attention_mask[left]
        attention_mask = torch.nn.functional.pad(attention_mask, (0, length - attention_mask.shape[1]), value=1)
        cache.batch_select_indices(left)
    return texts[:, :length]


def _ended_by(own: OwnStops) -> AbstractContextManager[None]:
    """In place of lm-eval's own criterion, which knows batches only."""
    return replaced(huggingface, stop_sequences_criteria=lambda *_: StoppingCriteriaList([own]))
