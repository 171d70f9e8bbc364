"""Estimates how much memory one GPU needs for a model."""

from __future__ import annotations

import re

from benchy.checkpoint.shape import Shape
from benchy.checkpoint.weights import BYTES, Weights
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, NotEnoughMemory
from benchy.record import MemoryEstimate

GIB = 1024**3
CUDA_CONTEXT_BYTES = GIB // 2
"""Kernels and libraries that every process keeps on its GPU."""
TIGHT = 0.95
"""Above this share the allocator's own losses decide."""
DEFAULT_LENGTH = 2048
"""lm-eval's, where neither the config nor the model says one."""
_LOGITS_COPIES = 2


def estimate_memory(config: BenchmarkConfig, weights: Weights, shape: Shape, *, stored_dtype: str) -> MemoryEstimate:
    """Return what one GPU holds at the peak of a forward pass.

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


def judge_memory(estimate: MemoryEstimate, available: int, *, spread: str) -> str | None:
    """Return a warning if it is tight, with what would fit; None if it fits.

    Args:
        estimate: what one GPU is thought to hold.
        available: bytes of one GPU.
        spread: how the back end is told to spread the model over more of them.

    Raises:
        NotEnoughMemory: the weights alone are too big.
    """
    if estimate.weights_bytes + CUDA_CONTEXT_BYTES > available:
        raise NotEnoughMemory(
            f"the weights alone take {in_gb(estimate.weights_bytes)} a GPU, which has {in_gb(available)}",
            hint=f"take a smaller model.dtype, more GPUs ({spread}), or a quantized model",
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
    match = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(GB|GiB|G|MB|MiB|M)\s*", text, re.IGNORECASE)
    if match is None or float(match[1]) == 0:
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
