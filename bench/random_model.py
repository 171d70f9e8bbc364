"""A Llama with random weights, made on the spot, and a tokenizer in which a word is a token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCABULARY = 32_000
SPECIAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}


@dataclass(frozen=True)
class Shape:
    """How large it is, and where it computes."""

    hidden: int
    layers: int
    device: str = "cpu"
    dtype: str = "float32"


class Words:
    """Draws text, the same for each new object."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def __call__(self, low: int, high: int | None = None) -> str:
        """From ``low`` to ``high`` words."""
        count = low if high is None else int(self._random.integers(low, high + 1))
        return " ".join(f"w{number}" for number in self._random.integers(len(SPECIAL), VOCABULARY, count))


def numbered(count: int = VOCABULARY) -> Iterator[str]:
    """Yield the words of a vocabulary of so many tokens, called as their tokens."""
    return (f"w{number}" for number in range(len(SPECIAL), count))


def tokenizer(words: Iterable[str] | None = None) -> PreTrainedTokenizerFast:
    """Return a word a token, with spaces between."""
    tokens = [*SPECIAL.values(), *(numbered() if words is None else words)]
    raw = Tokenizer(models.WordLevel({token: number for number, token in enumerate(tokens)}, SPECIAL["unk_token"]))
    raw.pre_tokenizer = pre_tokenizers.Split(" ", behavior="removed")
    return PreTrainedTokenizerFast(tokenizer_object=raw, **SPECIAL)


def model(shape: Shape) -> LlamaForCausalLM:
    """Of ``max_position_embeddings`` 1024."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=shape.hidden,
        intermediate_size=shape.hidden * 11 // 4,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.hidden // 64,
        max_position_embeddings=1024,
        dtype=shape.dtype,
    )
    with torch.device(shape.device):  # random numbers of a CPU take long
        return LlamaForCausalLM(config).to(getattr(torch, shape.dtype)).eval()


def describe(loaded: LlamaForCausalLM) -> str:
    """``58 M parameters, float32, one CPU thread``."""
    parameters = sum(weights.numel() for weights in loaded.parameters())
    where = torch.cuda.get_device_name() if loaded.device.type == "cuda" else "one CPU thread"
    return f"{parameters / 1e6:,.0f} M parameters, {str(loaded.dtype).removeprefix('torch.')}, {where}"
