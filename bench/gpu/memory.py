"""Compares the memory estimate with what a GPU's allocator held at the peak of one forward pass."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import torch
import transformers

from bench.memory import estimated_bytes, measure

MIB = 2**20
_ROPE = {"hidden_size": 2048, "num_hidden_layers": 8, "num_attention_heads": 16, "intermediate_size": 5632}
_ROPE |= {"num_key_value_heads": 4, "max_position_embeddings": 4096}
MODELS: dict[str, transformers.PretrainedConfig] = {
    "Llama": transformers.LlamaConfig(**_ROPE, vocab_size=32_000),
    "Qwen3, 151,936 words": transformers.Qwen3Config(**_ROPE, vocab_size=151_936, head_dim=128),
    "Mixtral, 4 experts": transformers.MixtralConfig(
        **_ROPE, vocab_size=32_000, num_local_experts=4, num_experts_per_tok=2
    ),
}
SMALL = {"Llama": transformers.LlamaConfig(hidden_size=64, num_hidden_layers=2, intermediate_size=176, vocab_size=1000)}
BATCHES = ((1, 2048), (8, 2048), (32, 1024))
HEAD = "| model | dtype | batch x length | estimate MiB | live tensors MiB | allocator MiB | error |"


def memory() -> Iterator[str]:
    """Give a table: the estimate, the most that lived at once, and what the allocator reserved for it."""
    yield f"{HEAD}\n|---|---|---|---:|---:|---:|---:|"
    for name, config in (MODELS if torch.cuda.is_available() else SMALL).items():
        for dtype in ("bfloat16", "float32"):
            for batch, length in BATCHES:
                yield _row(name, config, dtype, batch, length)


def _row(name: str, config: transformers.PretrainedConfig, dtype: str, batch: int, length: int) -> str:
    config._attn_implementation = "sdpa"
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):  # random numbers of a CPU take minutes
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype)).eval()
    estimate = estimated_bytes(model, config, dtype, batch, length)
    live, reserved = _peaks(model, batch, length)
    error = 100 * (estimate / live - 1)
    sizes = " | ".join(f"{bytes_ / MIB:,.0f}" for bytes_ in (estimate, live, reserved))
    return f"| {name} | {dtype} | {batch} x {length} | {sizes} | {error:+.0f} % |"


def _peaks(model: Any, batch: int, length: int) -> tuple[int, int]:
    """Bytes of live tensors and of the allocator, at most."""
    if not torch.cuda.is_available():
        peak = measure(model, batch, length)
        return peak, peak
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    tokens = torch.zeros((batch, length), dtype=torch.long, device="cuda")
    with torch.no_grad():
        torch.nn.functional.log_softmax(model(tokens).logits, dim=-1)
    return torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
