"""The shape of a model is read from whatever words its config.json uses, or not guessed at all."""

from __future__ import annotations

from typing import Any

import pytest

from benchy.checkpoint.shape import Shape, count_layers, read_shape
from benchy.errors import ModelLoadError

LLAMA: dict[str, Any] = {
    "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 8192,
}  # fmt: skip
SHAPE = Shape(
    layers_full=32, layers_sliding=0, window=0, kv_width=2 * 8 * 128, hidden=4096, intermediate=14336,
    vocabulary=128256, positions=8192, longest=8192,
)  # fmt: skip


def shape_of(**changes: Any) -> Shape:
    """Return the shape of a Llama with other settings; None drops one."""
    found = read_shape({key: value for key, value in (LLAMA | changes).items() if value is not None})
    assert found is not None
    return found


def test_a_llama_has_its_published_shape() -> None:
    assert shape_of() == SHAPE


def test_gpt2_says_the_same_in_other_words() -> None:
    said = {"n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024, "vocab_size": 50257}
    found = read_shape(said)
    assert found is not None
    assert (found.layers_full, found.hidden, found.intermediate, found.positions) == (12, 768, 4 * 768, 1024)
    assert found.kv_width == 2 * 768


def test_a_model_of_text_and_images_has_the_shape_of_its_text() -> None:
    text = {key: value for key, value in LLAMA.items() if key != "vocab_size"}
    assert read_shape({"text_config": text, "vocab_size": 128256, "hidden_size": 1}) == SHAPE
    assert read_shape({"text_config": {}} | LLAMA) == SHAPE


@pytest.mark.parametrize("lacks", ["num_hidden_layers", "num_attention_heads", "hidden_size", "vocab_size"])
def test_without_one_of_the_four_nothing_is_known(lacks: str) -> None:
    assert read_shape({key: value for key, value in LLAMA.items() if key != lacks}) is None


@pytest.mark.parametrize(
    ("kinds", "full", "sliding"),
    [
        (["full_attention", "sliding_attention"] * 16, 16, 16),
        (["chunked_attention"] * 24 + ["full_attention"] * 8, 8, 24),
        (["linear_attention"] * 24 + ["full_attention"] * 8, 8, 0),
    ],
)
def test_layers_are_counted_by_what_they_keep(kinds: list[str], full: int, sliding: int) -> None:
    found = shape_of(layer_types=kinds, sliding_window=128)
    assert (found.layers_full, found.layers_sliding, found.window) == (full, sliding, 128)


@pytest.mark.parametrize(
    ("changes", "width"),
    [
        ({"num_key_value_heads": None}, 2 * 32 * 128),
        ({"multi_query": True}, 2 * 1 * 128),
        ({"head_dim": 256}, 2 * 8 * 256),
        ({"kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128}, 32 * 320),
    ],
)
def test_keys_and_values_take_so_many_numbers(changes: dict[str, Any], width: int) -> None:
    assert shape_of(**changes).kv_width == width


@pytest.mark.parametrize(
    ("changes", "positions", "longest"),
    [
        ({"max_position_embeddings": None}, None, None),
        ({"max_position_embeddings": None, "n_ctx": 2048}, 2048, 2048),
        ({"rope_scaling": {"factor": 4.0}}, 8192, 4 * 8192),
        ({"rope_scaling": {"factor": 8, "original_max_position_embeddings": 4096}}, 8192, 8 * 4096),
        ({"rope_scaling": {"factor": 2, "original_max_position_embeddings": 2048}}, 8192, 8192),
        ({"rope_parameters": {"full": {"factor": 2.0}, "sliding": {"factor": 3.0}}}, 8192, 3 * 8192),
        ({"rope_scaling": {"factor": -1}}, 8192, 8192),
        ({"rope_scaling": {"factor": float("nan")}}, 8192, 8192),
        ({"rope_scaling": {"factor": 10**9}}, 8192, 8192),
        ({"rope_scaling": "yarn"}, 8192, 8192),
    ],
)
def test_the_longest_input_is_that_of_scaled_positions(
    changes: dict[str, Any], positions: int | None, longest: int | None
) -> None:
    found = shape_of(**changes)
    assert (found.positions, found.longest) == (positions, longest)


@pytest.mark.parametrize("value", ["32", 32.0, True, None, [32]])
def test_what_is_no_whole_number_is_not_said(value: object) -> None:
    assert count_layers({"num_hidden_layers": value}) is None
    assert count_layers({"num_hidden_layers": value, "n_layer": 7}) == 7


@pytest.mark.parametrize(
    ("key", "most"), [("num_hidden_layers", 10_000), ("num_attention_heads", 100_000), ("vocab_size", 10**10)]
)
def test_numbers_beyond_any_model_are_refused(key: str, most: int) -> None:
    assert shape_of(**{"head_dim": 64, key: most})
    for number in (most + 1, -1, 10**30):
        with pytest.raises(ModelLoadError) as refused:
            shape_of(**{key: number})
        assert refused.value.message == f"the config.json says {key}: {number}"
