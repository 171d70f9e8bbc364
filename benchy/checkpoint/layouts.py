"""The modules that the weights of a common architecture must hold, known without torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from benchy.checkpoint.config_file import ConfigFile

HEADS = ("lm_head", "embed_out")
"""What the output embedding is called; the second by older checkpoints of GPT-NeoX."""
MOST_LAYERS = 1000
"""No model has so many; a config.json may say any number."""


@dataclass(frozen=True)
class Layout:
    """Names of modules, and not of tensors: a quantized module has other tensors, and a bias may be there or not."""

    base: str
    """How all names but the head's begin; checkpoints of the base model alone lack it."""
    embedding: str
    outside: tuple[str, ...]
    """Modules that are there once."""
    layers: str
    inside: tuple[str, ...]
    """Modules of each layer."""
    tied: bool = False
    """Whether input and output embeddings are one where the config.json does not say."""


_ATTENTION = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
_MLP = ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
_NORMS = ("input_layernorm", "post_attention_layernorm")


def _llama(*inside: str, outside: tuple[str, ...] = ("norm",), tied: bool = False) -> Layout:
    return Layout("model.", "embed_tokens", outside, "layers", inside, tied)


def _gpt(*inside: str, embedding: str = "wte", outside: tuple[str, ...] = ("ln_f",), tied: bool = False) -> Layout:
    return Layout("transformer.", embedding, outside, "h", inside, tied)


_LIKE_LLAMA = _llama(*_ATTENTION, *_MLP, *_NORMS)
_LIKE_MIXTRAL = _llama(*_ATTENTION, *_NORMS)
_LIKE_GEMMA = _llama(*_ATTENTION, *_MLP, *_NORMS, tied=True)
_LIKE_COHERE = _llama(*_ATTENTION, *_MLP, "input_layernorm", tied=True)
_LIKE_GPT2 = _gpt(
    "ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj", outside=("wpe", "ln_f"), tied=True
)

LAYOUTS = {
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3", "granite"), _LIKE_LLAMA),
    **dict.fromkeys(("mixtral", "qwen2_moe", "qwen3_moe", "gpt_oss"), _LIKE_MIXTRAL),
    **dict.fromkeys(("gemma", "gemma2", "gemma3_text", "smollm3"), _LIKE_GEMMA),
    **dict.fromkeys(("cohere", "cohere2"), _LIKE_COHERE),
    **dict.fromkeys(("gpt2", "gpt_bigcode"), _LIKE_GPT2),
    "olmo": _llama(*_ATTENTION, *_MLP, outside=()),
    "olmo2": _llama(*_ATTENTION, *_MLP, "post_attention_layernorm", "post_feedforward_layernorm"),
    "stablelm": _llama(*_ATTENTION, *_MLP, "input_layernorm"),
    "starcoder2": _llama(*_ATTENTION, "mlp.c_fc", "mlp.c_proj", *_NORMS, tied=True),
    "phi": _llama("self_attn.dense", "mlp.fc1", "mlp.fc2", "input_layernorm", outside=("final_layernorm",)),
    "phi3": _llama("self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj", *_NORMS),
    "deepseek_v3": _llama("self_attn.kv_a_proj_with_mqa", "self_attn.kv_b_proj", "self_attn.o_proj", *_NORMS),
    "gptj": _gpt("ln_1", "attn.q_proj", "attn.k_proj", "attn.v_proj", "attn.out_proj", "mlp.fc_in", "mlp.fc_out"),
    "bloom": _gpt(
        "self_attention.query_key_value", "self_attention.dense", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h", *_NORMS,
        embedding="word_embeddings", outside=("word_embeddings_layernorm", "ln_f"), tied=True,
    ),
    "falcon": _gpt("self_attention.query_key_value", "self_attention.dense", embedding="word_embeddings", tied=True),
    "gpt_neox": Layout(
        "gpt_neox.", "embed_in", ("final_layer_norm",), "layers",
        ("attention.query_key_value", "attention.dense", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h", *_NORMS),
    ),
    "opt": Layout(
        "model.", "decoder.embed_tokens", ("decoder.embed_positions",), "decoder.layers",
        ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "fc1", "fc2"), tied=True,
    ),
}  # fmt: skip
"""By ``model_type``; the tests compare each with transformers' own class."""


def missing_modules(config: ConfigFile, tensors: Iterable[str]) -> list[str]:
    """Name the modules that transformers would fill with random numbers; none of an architecture not known here.

    Args:
        config: the model's config.json.
        tensors: all names in the weights' files.
    """
    layout = LAYOUTS.get(config.model_type or "")
    if layout is None:
        return []
    held = _modules(tensors, layout.base)
    missing = [f"{layout.base}{module}" for module in _expected(layout, config) if module not in held]
    has_head, embedding = not held.isdisjoint(HEADS), f"{layout.base}{layout.embedding}"
    if not _is_tied(layout, config):
        return missing if has_head else [*missing, HEADS[0]]
    return [module for module in missing if module != embedding or not has_head]


def _expected(layout: Layout, config: ConfigFile) -> Iterator[str]:
    yield layout.embedding
    yield from layout.outside
    for layer in range(min(config.layers or 0, MOST_LAYERS)):
        yield from (f"{layout.layers}.{layer}.{module}" for module in layout.inside)


def _is_tied(layout: Layout, config: ConfigFile) -> bool:
    return layout.tied if config.ties_embeddings is None else config.ties_embeddings


def _modules(tensors: Iterable[str], base: str) -> set[str]:
    """All that a tensor is in, without the base; a quantized module may have its tensors some levels below it."""
    found: set[str] = set()
    for tensor in tensors:
        parts = tensor.removeprefix(base).split(".")[:-1]
        found.update(accumulate(parts, lambda above, part: f"{above}.{part}"))
    return found
