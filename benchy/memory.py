"""Does it fit: how much GPU memory an evaluation takes, on paper, and what would fit instead.

At the peak of one forward pass a GPU holds the weights, the keys and values of all tokens (transformers fills its cache
also where nothing is generated), and either the activations of one layer or, after the last one, the logits twice:
lm-eval takes their log-softmax (``HFLM._loglikelihood_tokens``), and batch x length x vocabulary is what breaks in
practice. docs/memory.md compares the estimate with measured peaks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, NotEnoughMemory
from benchy.record import MemoryEstimate
from benchy.weights import BYTES, Weights

GIB = 1024**3
CUDA_CONTEXT_BYTES = GIB // 2
"""Kernels and libraries that every process keeps on its GPU."""
TIGHT = 0.95
"""Above this share the allocator's own losses decide."""
DEFAULT_LENGTH = 2048
"""lm-eval's, where neither the config nor the model says one."""
_LOGITS_COPIES = 2


@dataclass(frozen=True)
class Shape:
    """The numbers of a model's config.json that decide how much memory a token takes."""

    layers_full: int
    """Attention layers that keep every token."""
    layers_sliding: int
    """Attention layers that keep the last ``window`` tokens only."""
    window: int
    kv_width: int
    """Numbers a token and layer: keys and values of all key-value heads."""
    hidden: int
    intermediate: int
    vocabulary: int
    positions: int | None
    """Longest input that the model was made for; None if it says none."""


def read_shape(config: dict[str, Any]) -> Shape | None:
    """The shape in a config.json; None for an architecture that says it in other words."""
    text = config.get("text_config") or config
    layers = _first(text, "num_hidden_layers", "n_layer", "num_layers")
    heads = _first(text, "num_attention_heads", "n_head", "num_heads")
    hidden = _first(text, "hidden_size", "n_embd", "d_model")
    vocabulary = _first(text, "vocab_size") or config.get("vocab_size")
    if not (layers and heads and hidden and vocabulary):
        return None
    sliding, kinds = 0, text.get("layer_types")
    if isinstance(kinds, list):
        sliding = sum(kind in {"sliding_attention", "chunked_attention"} for kind in kinds)
        layers = sum(kind == "full_attention" for kind in kinds) + sliding  # linear attention keeps no tokens
    return Shape(
        layers_full=layers - sliding,
        layers_sliding=sliding,
        window=_first(text, "sliding_window", "attention_chunk_size") or 0,
        kv_width=_kv_width(text, heads, hidden),
        hidden=hidden,
        intermediate=_first(text, "intermediate_size", "n_inner", "ffn_dim", "moe_intermediate_size") or 4 * hidden,
        vocabulary=vocabulary,
        positions=_first(text, "max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length", "seq_length"),
    )


def stored_dtype(config: dict[str, Any]) -> str | None:
    """torch's name of the type that a config.json says its weights have; older ones call it ``torch_dtype``."""
    said = config.get("dtype") or config.get("torch_dtype")
    return said if isinstance(said, str) else None


def _kv_width(text: dict[str, Any], heads: int, hidden: int) -> int:
    if text.get("kv_lora_rank"):  # DeepSeek: transformers caches the keys and values of every head
        return int(heads * (text["qk_nope_head_dim"] + text["qk_rope_head_dim"] + text["v_head_dim"]))
    kv_heads = 1 if text.get("multi_query") else _first(text, "num_key_value_heads", "num_kv_heads") or heads
    return 2 * kv_heads * (_first(text, "head_dim") or hidden // heads)


def estimate_memory(config: BenchmarkConfig, weights: Weights, shape: Shape, *, stored_dtype: str) -> MemoryEstimate:
    """What one GPU holds at the peak of a forward pass.

    Args:
        config: batch, length and dtype; ``auto`` batches count as 1, the smallest that has to fit.
        weights: what the files hold.
        shape: of the model.
        stored_dtype: in which dtype the model computes if the config says none.
    """
    dtype = _dtype(config) or stored_dtype
    batch, length = _batch(config), config.model.max_length or shape.positions or DEFAULT_LENGTH
    gpus, size = _shards(config), BYTES.get(dtype, 2)
    kept = shape.layers_full * length + shape.layers_sliding * min(length, shape.window or length)
    return MemoryEstimate(
        batch=batch,
        length=length,
        weights_bytes=weights.bytes_as(_dtype(config)) // gpus,
        kv_cache_bytes=batch * kept * shape.kv_width * size // gpus,
        logits_bytes=batch * length * shape.vocabulary * size * _LOGITS_COPIES,
        activations_bytes=batch * length * (4 * shape.hidden + 3 * shape.intermediate) * size,
        gpus=gpus,
    )


def judge_memory(estimate: MemoryEstimate, available: int) -> str | None:
    """A warning if it is tight, with what would fit; None if it fits.

    Raises:
        NotEnoughMemory: the weights alone are too big.
    """
    if estimate.weights_bytes + CUDA_CONTEXT_BYTES > available:
        raise NotEnoughMemory(
            f"the weights alone take {in_gb(estimate.weights_bytes)} a GPU, which has {in_gb(available)}",
            hint="take a smaller model.dtype, more GPUs (performance.parallelize: true), or a quantized model",
        )
    total = estimate.total_bytes + CUDA_CONTEXT_BYTES
    if total <= TIGHT * available:
        return None
    left = TIGHT * available - estimate.weights_bytes - CUDA_CONTEXT_BYTES
    tokens = int(left / (estimate.total_bytes - estimate.weights_bytes) * estimate.batch * estimate.length)
    advice = (
        f"evaluation.batch_size {tokens // estimate.length} fits"
        if tokens >= estimate.length
        else f"model.max_length {max(tokens, 0)} fits with evaluation.batch_size 1"
    )
    return (
        f"tight: {estimate.batch} x {estimate.length} tokens may take {in_gb(total)} a GPU, which has "
        f"{in_gb(available)}; {advice}"
    )


def parse_memory(text: str) -> int:
    """``80GB`` in bytes; a GB is 1024^3 bytes here, as on a GPU's label.

    Raises:
        ConfigError: it says something else.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(GB|GiB|G|MB|MiB|M)\s*", text, re.IGNORECASE)
    if match is None:
        raise ConfigError(f'--gpu-memory: "{text}" is no amount of memory', hint="e.g. --gpu-memory 80GB")
    return int(float(match[1]) * (GIB if match[2].upper().startswith("G") else 1024**2))


def in_gb(size: float) -> str:
    """For people; a GB is 1024^3 bytes."""
    return f"{size / GIB:,.2f} GB"


def _dtype(config: BenchmarkConfig) -> str | None:
    said = config.model.dtype
    return None if said in {None, "auto"} else said


def _batch(config: BenchmarkConfig) -> int:
    size = config.evaluation.batch_size
    return size if isinstance(size, int) else 1


def _shards(config: BenchmarkConfig) -> int:
    """Over how many GPUs one copy of the model is spread; data-parallel copies are whole."""
    if config.performance.parallelize or config.model.args.get("parallelize"):
        return len(config.gpus or ()) or config.performance.num_gpus or 1
    return int(config.model.args.get("tensor_parallel_size", 1))


def _first(values: dict[str, Any], *names: str) -> int | None:
    return next((values[name] for name in names if isinstance(values.get(name), int)), None)
