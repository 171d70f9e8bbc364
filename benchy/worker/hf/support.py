"""Says for which models computing shared prefixes once gives what computing them anew would give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.cache_utils import DynamicCache

from benchy.worker.hf.forward import Forward, Windows
from benchy.worker.hf.pack import pack
from benchy.worker.hf.plan import Request, Row

VERIFIED = frozenset({
    "gemma", "gemma2", "gemma3_text", "gpt2", "gpt_neox", "gpt_oss", "llama", "mistral", "mixtral", "opt", "phi3",
    "qwen2", "qwen2_moe", "qwen3", "qwen3_moe",
})  # fmt: skip
"""Model types that the tests compare with plain lm-eval and with the definition.

The few tokens of ``disagreement`` do not show all: GPT-Neo has layers that read no more than 256.
"""

WINDOWED = frozenset({"gemma2", "gemma3_text", "gpt_oss", "mistral", "mixtral", "phi3", "qwen2"})
"""Those of them that the tests compare with a sliding window."""

SCALED = frozenset({"dynamic", "longrope"})
"""Rotary embeddings that differ with the length of what is computed at once, so that kept keys may not fit."""

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
    config = model.config
    if config.model_type not in VERIFIED:
        yield f"no test compares {config.model_type} yet"
    if config._attn_implementation not in ("sdpa", "eager"):
        yield f"{config._attn_implementation} attention takes no mask of its own"
    if windows(model).size is not None and config.model_type not in WINDOWED:
        yield f"no test compares {config.model_type} with a sliding window yet"
    if scaled := SCALED & _rotary_types(config):
        yield f"its positions are scaled by the length of the text ({', '.join(scaled)})"
    if getattr(config, "quantization_config", None):
        yield "it is quantized"
    if distributed := _distribution(lm):
        yield f"it is distributed by {distributed}"


def windows(model: Any) -> Windows:
    """Return the model's sliding windows."""
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or [])
    size = getattr(config, "sliding_window", None)
    if size is None or kinds == {"full_attention"}:
        return Windows()
    return Windows(size=size, mixed="full_attention" in kinds)


def disagreement(forward: Forward, model: Any, autocast: Any) -> str | None:
    """Compute a few tokens in both ways; what is wrong if the two differ.

    A model that keeps more than keys and values, or places tokens by itself, shows here.
    """
    vocabulary = model.get_input_embeddings().weight.shape[0]
    drawn = np.random.default_rng(0).integers(0, vocabulary, size=(3, 20)).astype(np.int32)
    drawn[:, :12] = drawn[0, :12]
    requests = tuple(Request((index,), tokens, tokens[-4:]) for index, tokens in enumerate(drawn))
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


def _rotary_types(config: Any) -> set[str]:
    """Of the rotary embeddings; a model with several kinds of layers has one for each."""
    found = getattr(config, "rope_parameters", None) or {}
    several = [one for one in found.values() if isinstance(one, dict)]
    return {str(one.get("rope_type", "default")) for one in several or [found]}


def _distribution(lm: Any) -> str | None:
    """Return what spreads the model, or its work, over devices or processes that lm-eval itself leads."""
    if getattr(lm.model, "_tp_size", None) or getattr(lm.model, "device_mesh", None):
        return "tensor parallelism"
    if len(set((getattr(lm.model, "hf_device_map", None) or {}).values())) > 1:
        return "parallelize"
    return "accelerate" if lm.world_size > 1 else None
