"""Compares the memory estimate with the peak of live tensors, for small models with random weights.

``python bench/memory.py`` prints the table of docs/memory.md. The peak is that of the tensors alone (torch's
MemTracker, on the CPU): what an allocator adds on a GPU, ``python -m bench.gpu`` measures.
"""

from __future__ import annotations

import gc
from typing import Any

import torch
import transformers
from torch.distributed._tools.mem_tracker import MemTracker

from benchy.checkpoint.memory import estimate_memory
from benchy.checkpoint.shape import read_shape
from benchy.checkpoint.weights import Weights
from benchy.config import parse_config

SIZES = {"hidden_size": 256, "num_hidden_layers": 6, "num_attention_heads": 8, "vocab_size": 32000}
ROPE = SIZES | {"intermediate_size": 688, "num_key_value_heads": 2, "max_position_embeddings": 2048}
MODELS: dict[str, transformers.PretrainedConfig] = {
    "Llama, grouped queries": transformers.LlamaConfig(**ROPE),
    "Llama, tied embeddings": transformers.LlamaConfig(**ROPE, tie_word_embeddings=True),
    "Llama, 1,000 words": transformers.LlamaConfig(**(ROPE | {"vocab_size": 1000})),
    "GPT-2": transformers.GPT2Config(n_embd=256, n_layer=6, n_head=8, vocab_size=50257, n_positions=1024),
    "Qwen2": transformers.Qwen2Config(**ROPE),
    "Qwen3": transformers.Qwen3Config(**ROPE, head_dim=32),
    "Qwen2-MoE": transformers.Qwen2MoeConfig(
        **ROPE, num_experts=8, num_experts_per_tok=2, moe_intermediate_size=256, shared_expert_intermediate_size=512
    ),
    "Mixtral": transformers.MixtralConfig(**ROPE, num_local_experts=4, num_experts_per_tok=2),
}
BATCHES = ((1, 512), (4, 1024))
DTYPES = ("float32", "bfloat16")


def main() -> None:
    """Print one row a model, batch and dtype."""
    print("| Model | dtype | batch x length | estimate MiB | measured MiB | error |\n|---|---|---|---:|---:|---:|")
    for name, config in MODELS.items():
        for dtype in DTYPES:
            for batch, length in BATCHES:
                estimated, measured = compare(config, dtype, batch, length)
                row = f"| {name} | {dtype} | {batch} x {length} | {estimated / 2**20:,.0f} | {measured / 2**20:,.0f} "
                print(f"{row}| {100 * (estimated / measured - 1):+.0f} % |", flush=True)


def compare(config: transformers.PretrainedConfig, dtype: str, batch: int, length: int) -> tuple[int, int]:
    """Estimated and measured bytes of one forward pass with its log-softmax, as lm-eval does it."""
    torch.manual_seed(0)
    config._attn_implementation = "sdpa"
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype)).eval()
    return estimated_bytes(model, config, dtype, batch, length), measure(model, batch, length)


def estimated_bytes(model: Any, config: transformers.PretrainedConfig, dtype: str, batch: int, length: int) -> int:
    """Estimate one forward pass as ``benchy check`` does."""
    weights = Weights({dtype: sum(parameter.numel() for parameter in model.parameters())})
    shape = read_shape(config.to_dict())
    assert shape is not None
    asked: dict[str, Any] = {
        "model": {"name": "x", "dtype": dtype, "max_length": length},
        "evaluation": {"tasks": "t", "batch_size": batch},
    }
    return estimate_memory(parse_config(asked, source="bench"), weights, shape, stored_dtype=dtype).total_bytes


def measure(model: Any, batch: int, length: int) -> int:
    """Return the peak of live tensors, weights among them."""
    gc.collect()
    tracker = MemTracker()
    tracker.track_external(model)
    tokens = torch.zeros((batch, length), dtype=torch.long)
    with tracker, torch.no_grad():
        torch.nn.functional.log_softmax(model(tokens).logits, dim=-1)
    peaks = tracker.get_tracker_snapshot("peak")
    return max(int(sizes["Total"]) for sizes in peaks.values())


if __name__ == "__main__":
    main()
