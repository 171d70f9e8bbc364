"""Models for the loopback Hub, made here: a tiny Llama with random weights and a tokenizer of bytes."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

HEADER_BYTES = 100_001
"""So many are asked for to read a safetensors file's header (huggingface_hub's ``parse_safetensors_file_metadata``)."""
HIDDEN, INNER, LAYERS, HEADS, POSITIONS = 16, 32, 2, 2, 256


def tiny_llama(*, seed: int = 0, **config: Any) -> dict[str, bytes]:
    """Return the files of a Llama of 15 k parameters that transformers loads; ``config`` changes its config.json.

    With another ``intermediate_size`` it has other weights too.
    """
    tokenizer, vocabulary = _tokenizer()
    return {
        "config.json": json.dumps(_config(vocabulary) | config).encode(),
        "generation_config.json": b'{"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}',
        "model.safetensors": save(
            _weights(vocabulary, seed, config.get("intermediate_size", INNER)), metadata={"format": "pt"}
        ),
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": json.dumps(
            {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<end>", "pad_token": "<end>"}
        ).encode(),
        "README.md": b"# A tiny Llama\n",
    }


def write_files(files: dict[str, bytes], folder: Path) -> Path:
    """Write a model's files into a folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def safetensors_header(**tensors: tuple[str, tuple[int, ...]]) -> bytes:
    """Return a safetensors file of zeros: dtype and shape a tensor (format: huggingface.co/docs/safetensors)."""
    sizes = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1, "F8_E4M3": 1}
    header, end = {}, 0
    for name, (dtype, shape) in tensors.items():
        start, end = end, end + sizes[dtype] * int(np.prod(shape))
        header[name.replace("__", ".")] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def _config(vocabulary: int) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": vocabulary, "hidden_size": HIDDEN,
        "intermediate_size": INNER, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS, "max_position_embeddings": POSITIONS, "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0, "dtype": "float32",
    }  # fmt: skip


def _weights(vocabulary: int, seed: int, inner: int) -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(seed)

    def matrix(*shape: int) -> np.ndarray[Any, Any]:
        return random.normal(0, 0.2, shape).astype(np.float32)

    weights = {"model.embed_tokens.weight": matrix(vocabulary, HIDDEN), "lm_head.weight": matrix(vocabulary, HIDDEN)}
    weights["model.norm.weight"] = np.ones(HIDDEN, np.float32)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}"
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            weights[f"{prefix}.self_attn.{name}.weight"] = matrix(HIDDEN, HIDDEN)
        for name, shape in (
            ("gate_proj", (inner, HIDDEN)),
            ("up_proj", (inner, HIDDEN)),
            ("down_proj", (HIDDEN, inner)),
        ):
            weights[f"{prefix}.mlp.{name}.weight"] = matrix(*shape)
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights[f"{prefix}.{name}.weight"] = np.ones(HIDDEN, np.float32)
    return weights


def _tokenizer() -> tuple[bytes, int]:
    """Every byte is a token; one more ends the text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<end>": 0} | {character: index for index, character in enumerate(alphabet, 1)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<end>"])
    return tokenizer.to_str().encode(), len(vocabulary)


def tiny_adapter(base: str, *, module: str = "q_proj", **config: Any) -> dict[str, bytes]:
    """Return the files of a LoRA adapter for :func:`tiny_llama`, as peft saves them; ``config`` changes its config."""
    random = np.random.default_rng(7)
    said = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 2, "lora_alpha": 8, "target_modules": ["q_proj"]}
    prefix = "base_model.model.model.layers"
    weights = {
        f"{prefix}.{layer}.self_attn.{module}.lora_{half}.weight": random.normal(0, 0.5, shape).astype(np.float32)
        for layer in range(LAYERS)
        for half, shape in (("A", (2, HIDDEN)), ("B", (HIDDEN, 2)))
    }
    return {
        "adapter_config.json": json.dumps(said | {"base_model_name_or_path": base} | config).encode(),
        "adapter_model.safetensors": save(weights, metadata={"format": "pt"}),
    }
