"""What a model's weights hold, from the headers of its safetensors files alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

TORCH_NAMES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2", "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16",
    "BOOL": "bool",
}  # fmt: skip
"""safetensors' dtypes and torch's names for them."""

BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "float8_e4m3fn": 1, "float8_e5m2": 1, "int64": 8,
    "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1,
    "uint64": 8, "uint32": 4, "uint16": 2,
}  # fmt: skip
"""Of one number."""


class TensorInfo(Protocol):
    """One tensor of a header, as huggingface_hub reads it."""

    @property
    def dtype(self) -> Any:
        """As safetensors names it: ``BF16``."""

    @property
    def shape(self) -> list[int]:
        """The count of numbers in each dimension."""
        ...


@dataclass(frozen=True)
class Weights:
    """How many numbers of which type the files hold."""

    count_by_dtype: Mapping[str, int]
    """By torch's name of the type."""

    @property
    def parameters(self) -> int:
        """All of them; packed 4-bit weights count as the bytes that hold them."""
        return sum(self.count_by_dtype.values())

    @property
    def bytes_by_dtype(self) -> dict[str, int]:
        """As stored."""
        return {dtype: count * BYTES[dtype] for dtype, count in self.count_by_dtype.items()}

    def bytes_as(self, dtype: str | None) -> int:
        """After loading: floating-point numbers become ``dtype``, all others stay (None: everything stays)."""
        if dtype is None:
            return sum(self.bytes_by_dtype.values())
        return sum(
            count * BYTES[dtype if stored.startswith(("float", "bfloat")) else stored]
            for stored, count in self.count_by_dtype.items()
        )


def count_weights(tensors: Mapping[str, TensorInfo], *, tied: bool) -> Weights:
    """Add up the tensors of all files.

    Args:
        tensors: by name.
        tied: input and output embeddings are one tensor after loading, also where the files hold both.
    """
    if tied and any(name.endswith(("embed_tokens.weight", "wte.weight", "embed_in.weight")) for name in tensors):
        tensors = {
            name: info for name, info in tensors.items() if not name.endswith(("lm_head.weight", "embed_out.weight"))
        }
    counts: Counter[str] = Counter()
    for info in tensors.values():
        counts[TORCH_NAMES.get(info.dtype, "uint8")] += prod(info.shape)
    return Weights(dict(counts))
