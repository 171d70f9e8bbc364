"""Says for which models computing shared prefixes once gives what computing them anew would give."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.cache_utils import DynamicCache

from benchy.worker.fast.forward import Forward, Windows
from benchy.worker.fast.pack import pack
from benchy.worker.fast.plan import Request, Row

WINDOWED = frozenset({"gemma2", "gemma3_text", "gpt_oss", "mistral", "mixtral", "phi3", "qwen2", "qwen3"})
"""Model types whose masks with a sliding window the tests compare with the model's own."""

SIZES = ("num_hidden_layers", "num_attention_heads", "hidden_size")
"""What the memory budget has to know."""

TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-3}
"""Largest relative difference of logits that the order of additions explains, by dtype."""
TOLERANCE_OF_HALF = 0.1


def reason_for_stock(lm: Any) -> str | None:
    """Why this lm-eval model must be computed as plain lm-eval does; None if there is no such reason."""
    return next(_reasons(lm), None)


def _reasons(lm: Any) -> Iterator[str]:
    """Each may rely on those before it not being given."""
    model = lm.model
    if lm.backend != "causal" or not isinstance(model, PreTrainedModel):
        yield f"{type(model).__name__} is no plain causal transformers model"
    if not type(model).__module__.startswith("transformers."):
        yield f"{type(model).__name__} is custom code"
    config = model.config.get_text_config()
    if config._attn_implementation not in ("sdpa", "eager"):
        yield f"{config._attn_implementation} attention takes no mask of its own"
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if unknown := kinds - {"full_attention", "sliding_attention"}:
        yield f"it has layers of the kind {', '.join(sorted(unknown))}"
    if getattr(config, "alibi", False) or "position_ids" not in inspect.signature(model.base_model.forward).parameters:
        yield "it does not take positions"
    if model.get_output_embeddings() is None:
        yield "it has no output layer of its own"
    if missing := [name for name in SIZES if not hasattr(config, name)]:
        yield f"its config has no {', '.join(missing)}"
    if distributed := _distribution(lm):
        yield f"it is distributed by {distributed}"


def windows(model: Any) -> Windows:
    """The model's sliding windows."""
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or [])
    size = getattr(config, "sliding_window", None)
    if size is None or kinds == {"full_attention"}:
        return Windows()
    return Windows(size=size, mixed="full_attention" in kinds)


def longest_sound(model: Any) -> int | None:
    """The longest request in tokens that may be packed; None if any may."""
    known = model.config.model_type in WINDOWED
    return None if known else windows(model).size


def disagreement(forward: Forward, model: Any, autocast: Any) -> str | None:
    """Compute a few tokens in both ways; what is wrong if the two differ.

    A model that keeps more than keys and values, or places tokens by itself, shows here.
    """
    vocabulary = model.get_output_embeddings().weight.shape[0]
    drawn = np.random.default_rng(0).integers(0, vocabulary, size=(3, 20)).astype(np.int32)
    drawn[:, :12] = drawn[0, :12]
    requests = tuple(Request(index, tokens, tokens[-4:]) for index, tokens in enumerate(drawn))
    packed = pack(Row(requests, shared=(8, 12, 12), length=28), depth=8)
    positions = np.concatenate([slots for _, slots in packed.scored])
    try:
        fast = forward.outputs([packed], 8, forward.extended(DynamicCache(), drawn[0, :8]), positions)
    except (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
        return f"it cannot be called with a prefix: {error}"
    with torch.no_grad(), autocast():
        stock = model(torch.from_numpy(drawn).long().to(model.device)).logits[:, -4:].flatten(0, 1)
    difference = _relative_difference(fast, stock)
    if difference > TOLERANCE.get(stock.dtype, TOLERANCE_OF_HALF) or not np.isfinite(difference):
        return f"its logits behind a shared prefix differ by {difference:.2g}"
    return None


def _relative_difference(a: torch.Tensor, b: torch.Tensor) -> float:
    """Of the logits, up to a constant a position, which log-probabilities do not see."""
    a, b = (x.double() - x.double().mean(-1, keepdim=True) for x in (a.cpu(), b.cpu()))
    return float((a - b).norm() / b.norm())


def _distribution(lm: Any) -> str | None:
    """What splits one model among processes; copies of it, one a process, are no hindrance."""
    if getattr(lm.model, "_tp_size", None) or getattr(lm.model, "device_mesh", None):
        return "tensor parallelism"
    accelerator = getattr(lm, "accelerator", None)
    kind = accelerator.distributed_type.value if accelerator else "NO"
    return None if kind in ("NO", "MULTI_CPU", "MULTI_GPU") else kind
