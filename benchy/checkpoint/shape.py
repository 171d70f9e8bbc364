"""The shape of a model as its config.json gives it: layers, heads, widths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchy.errors import ModelLoadError

LARGEST = {
    "num_hidden_layers": 10_000, "n_layer": 10_000, "num_layers": 10_000, "num_attention_heads": 100_000,
    "n_head": 100_000, "num_heads": 100_000,
}  # fmt: skip
"""Far beyond any model; a config.json that says more would hold a GPU for ever while layers are made."""
LARGEST_OTHER = 10**10


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
    """Longest input that its max_position_embeddings give, which lm-eval reads; None if it says none."""
    longest: int | None
    """Longest input once its rotary positions are scaled (YaRN and others)."""


def read_shape(config: dict[str, Any]) -> Shape | None:
    """Return the shape in a config.json; None for an architecture that says it in other words."""
    said = config.get("text_config")
    text = said if isinstance(said, dict) and said else config
    layers = count_layers(text)
    heads = _first(text, "num_attention_heads", "n_head", "num_heads")
    hidden = _first(text, "hidden_size", "n_embd", "d_model")
    vocabulary = _first(text, "vocab_size") or _first(config, "vocab_size")
    if not (layers and heads and hidden and vocabulary):
        return None
    sliding, kinds = 0, text.get("layer_types")
    if isinstance(kinds, list):
        sliding = sum(kind in ("sliding_attention", "chunked_attention") for kind in kinds)
        layers = sum(kind == "full_attention" for kind in kinds) + sliding  # linear attention keeps no tokens
    positions = _first(text, "max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length", "seq_length")
    return Shape(
        layers_full=layers - sliding,
        layers_sliding=sliding,
        window=_first(text, "sliding_window", "attention_chunk_size") or 0,
        kv_width=_kv_width(text, heads, hidden),
        hidden=hidden,
        intermediate=_first(text, "intermediate_size", "n_inner", "ffn_dim", "moe_intermediate_size") or 4 * hidden,
        vocabulary=vocabulary,
        positions=positions,
        longest=positions and max([positions, *_scaled_positions(text, positions)]),
    )


def _scaled_positions(text: dict[str, Any], positions: int) -> Iterator[int]:
    """Yield the longest input of each scaling, its factor times the positions before; some models have several."""
    said = text.get("rope_parameters") or text.get("rope_scaling") or {}
    scalings = [said, *said.values()] if isinstance(said, dict) else []
    for scaling in scalings:
        factor = scaling.get("factor") if isinstance(scaling, dict) else None
        if isinstance(factor, int | float) and 0 < factor < 10**6:
            yield int(factor * (_first(scaling, "original_max_position_embeddings") or positions))


def count_layers(text: dict[str, Any]) -> int | None:
    """How many layers a text model's config says; None if it does not say it."""
    return _first(text, "num_hidden_layers", "n_layer", "num_layers")


def _kv_width(text: dict[str, Any], heads: int, hidden: int) -> int:
    if text.get("kv_lora_rank"):  # DeepSeek: transformers caches the keys and values of every head
        parts = (_first(text, name) or 0 for name in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"))
        return heads * sum(parts)
    kv_heads = 1 if text.get("multi_query") else _first(text, "num_key_value_heads", "num_kv_heads") or heads
    return 2 * kv_heads * (_first(text, "head_dim") or hidden // heads)


def _first(values: dict[str, Any], *names: str) -> int | None:
    return next((found for name in names if (found := _whole(values, name)) is not None), None)


def _whole(values: dict[str, Any], name: str) -> int | None:
    found = values.get(name)
    if isinstance(found, bool) or not isinstance(found, int):
        return None
    if not 0 <= found <= LARGEST.get(name, LARGEST_OTHER):
        raise ModelLoadError(f"the config.json says {name}: {found}", hint="no model has that; it needs a new upload")
    return found
