"""Numbers are counted as torch names their types, and take the bytes that they take after loading."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from benchy.checkpoint.weights import BYTES, TORCH_NAMES, Weights, count_weights


@dataclass(frozen=True)
class Tensor:
    """One tensor of a header."""

    dtype: str
    shape: list[int]


@pytest.mark.parametrize("name", TORCH_NAMES.values())
def test_the_names_are_torchs_and_so_are_the_bytes(name: str) -> None:
    assert getattr(torch, name).itemsize == BYTES[name]


def test_every_type_that_torch_saves_has_a_name() -> None:
    from safetensors.torch import save

    for theirs, ours in TORCH_NAMES.items():
        header = save({"a": torch.zeros(1, dtype=getattr(torch, ours))})
        assert f'"dtype":"{theirs}"'.encode() in header


def test_tensors_are_added_up_by_type() -> None:
    tensors = {"a": Tensor("F32", [2, 3]), "b": Tensor("BF16", [4]), "c": Tensor("F32", []), "d": Tensor("I8", [0, 9])}
    counted = count_weights(tensors, tied=False)
    assert counted == Weights({"float32": 7, "bfloat16": 4, "int8": 0})
    assert counted.parameters == 11
    assert counted.bytes_by_dtype == {"float32": 28, "bfloat16": 8, "int8": 0}


def test_a_type_that_nobody_knows_counts_as_bytes() -> None:
    assert count_weights({"a": Tensor("F4", [10])}, tied=False) == Weights({"uint8": 10})


@pytest.mark.parametrize(
    ("names", "tied", "counted"),
    [
        (("model.embed_tokens.weight", "lm_head.weight"), True, 1),
        (("model.embed_tokens.weight", "lm_head.weight"), False, 2),
        (("gpt_neox.embed_in.weight", "embed_out.weight"), True, 1),
        (("transformer.wte.weight", "lm_head.weight"), True, 1),
        (("lm_head.weight", "model.norm.weight"), True, 2),
        (("model.embed_tokens.weight", "model.norm.weight"), True, 2),
        (("lm_head.weight",), True, 1),
    ],
)
def test_tied_embeddings_are_counted_once(names: tuple[str, ...], tied: bool, counted: int) -> None:
    assert count_weights({name: Tensor("F16", [1]) for name in names}, tied=tied).parameters == counted


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(None, 40 + 20 + 10 + 80), ("float16", 20 + 20 + 10 + 80), ("float64", 80 + 80 + 10 + 80)],
)
def test_only_floating_point_numbers_are_converted(dtype: str | None, expected: int) -> None:
    weights = Weights({"float32": 10, "bfloat16": 10, "uint8": 10, "int64": 10})
    assert weights.bytes_as(dtype) == expected


def test_numbers_of_eight_bits_are_floating_point_too() -> None:
    assert Weights({"float8_e4m3fn": 10, "float8_e5m2": 10}).bytes_as("bfloat16") == 40


def test_no_tensors_are_nothing() -> None:
    nothing = count_weights({}, tied=True)
    assert (nothing.parameters, nothing.bytes_by_dtype, nothing.bytes_as("float32")) == (0, {}, 0)


def test_large_counts_are_exact() -> None:
    shape = [2**20, 2**20]
    assert count_weights({"a": Tensor("F32", shape)}, tied=False).parameters == 2**40
