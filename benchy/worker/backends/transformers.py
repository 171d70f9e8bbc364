"""What is known of a transformers model once it is loaded."""

from __future__ import annotations

from collections import Counter
from typing import Any

from benchy.errors import ModelTestFailed
from benchy.record import Scoring


def is_transformers_model(lm: Any) -> bool:
    """Whether the model is a torch module in this process (and not behind an API or in vLLM)."""
    from lm_eval.models.huggingface import HFLM

    return isinstance(lm, HFLM)


def scoring_of(lm: Any) -> Scoring | None:
    """How this model computes log-likelihoods; None if another process does."""
    if not is_transformers_model(lm):
        return None
    from benchy.worker.hf.model import FastHFLM

    if not isinstance(lm, FastHFLM):
        return Scoring(way="stock")
    return Scoring(way="fast" if lm.stock_reason is None else "stock", reason=lm.stock_reason)


def refuse_broken_logits(lm: Any, prompt: str) -> None:
    """Refuse a model that computes no numbers, or the same one for every token.

    Raises:
        ModelTestFailed: it does.
    """
    import torch

    if lm.AUTO_MODEL_CLASS is None or "CausalLM" not in lm.AUTO_MODEL_CLASS.__name__:
        return
    tokens = torch.tensor([lm.tok_encode(prompt)[-lm.max_length :]], device=lm.device)
    logits = lm._model_call(tokens)
    if torch.isnan(logits).any() or torch.isposinf(logits).any():
        raise ModelTestFailed(f"the logits after {prompt!r} are NaN or infinite")
    if logits.min() == logits.max():
        raise ModelTestFailed(f"after {prompt!r} all tokens have the same logit", hint="check the weights")


def count_parameters(model: Any) -> int:
    """Stored numbers; ``parameters()`` gives tied ones once, and packed 4-bit ones count as what they hold."""
    return int(model.num_parameters())


def bytes_by_dtype(model: Any) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for parameter in model.parameters():
        sizes[str(parameter.dtype).removeprefix("torch.")] += parameter.numel() * parameter.element_size()
    return sizes
