"""A model whose weights are not whole is refused before a byte of them is fetched, and no whole one is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from benchy.checkpoint.config_file import ConfigFile
from benchy.checkpoint.layouts import LAYOUTS, missing_modules
from tests.commands import assert_refused, benchy
from tests.hub.commands import benchy_on, hub_config
from tests.hub.fixtures import loopback_hub
from tests.hub.models import tiny_llama, write_files
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]

SMALL = {
    "num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "vocab_size": 64,
    "num_key_value_heads": 2, "num_experts": 2, "num_local_experts": 2, "n_routed_experts": 8, "pad_token_id": 0,
    "bos_token_id": 0, "eos_token_id": 0, "moe_intermediate_size": 16, "ffn_dim": 64, "word_embed_proj_dim": 32,
}  # fmt: skip


def test_the_layouts_are_those_of_transformers_own_classes() -> None:
    for kind in LAYOUTS:
        config, tensors = _of_transformers(kind)
        assert missing_modules(ConfigFile.parse(config), tensors) == [], kind
        without_head = [name for name in tensors if not name.startswith("lm_head.")]
        assert bool(missing_modules(ConfigFile.parse(config), without_head)) == (not config["tie_word_embeddings"]), (
            kind
        )
        said = {key: value for key, value in config.items() if key != "tie_word_embeddings"}
        assert missing_modules(ConfigFile.parse(said), without_head) == missing_modules(
            ConfigFile.parse(config), without_head
        ), kind
        cut = [name for name in tensors if not re.search(r"\.1\.", name)]
        assert missing_modules(ConfigFile.parse(config), cut), kind
        assert all(".1." in module for module in missing_modules(ConfigFile.parse(config), cut)), kind


def _of_transformers(kind: str) -> tuple[dict[str, Any], list[str]]:
    """Return a small config of a model type, and the tensors that transformers saves of such a model."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    known = AutoConfig.for_model(kind).to_dict()
    names = AutoConfig.for_model(kind).attribute_map
    small = {names.get(key, key): value for key, value in SMALL.items()}
    config = AutoConfig.for_model(kind, **{key: value for key, value in small.items() if key in known})
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return config.to_dict(), list(model.state_dict())


def test_what_checkpoints_call_otherwise_is_known() -> None:
    config = {"model_type": "llama", "num_hidden_layers": 1, "tie_word_embeddings": True}
    config_of_neox = {"model_type": "gpt_neox", "num_hidden_layers": 0}
    whole = [name for name in load(tiny_llama()["model.safetensors"]) if ".1." not in name and "lm_head" not in name]
    assert missing_modules(ConfigFile.parse(config), whole) == []
    of_base_model = [name.removeprefix("model.") for name in whole]
    assert missing_modules(ConfigFile.parse(config), of_base_model) == []
    head_alone = [name for name in whole if "embed" not in name]
    assert missing_modules(ConfigFile.parse(config), head_alone) == ["model.embed_tokens"]
    assert missing_modules(ConfigFile.parse(config), [*head_alone, "lm_head.weight"]) == []
    quantized = [name.replace("_proj.weight", "_proj.weight._data") for name in whole]
    assert missing_modules(ConfigFile.parse(config), quantized) == []
    embedded = ["gpt_neox.embed_in.weight", "gpt_neox.final_layer_norm.bias", "embed_out.weight"]
    assert missing_modules(ConfigFile.parse(config_of_neox), embedded) == []
    assert missing_modules(ConfigFile.parse({"model_type": "of next year"}), []) == []


def _prefixed(name: str) -> str | None:
    return f"_orig_mod.{name}"


def _without_head(name: str) -> str | None:
    return None if name == "lm_head.weight" else name


def _one_layer(name: str) -> str | None:
    return None if ".layers.1." in name else name


BROKEN = pytest.mark.parametrize(
    ("rename", "said"),
    [
        pytest.param(_prefixed, ("model.embed_tokens", 'begin with "_orig_mod."'), id="prefix"),
        pytest.param(_without_head, ("lack lm_head,",), id="head"),
        pytest.param(_one_layer, ("lack 9 modules", "model.layers.1.self_attn.q_proj"), id="layers"),
    ],
)


def broken(rename: Callable[[str], str | None], **config: Any) -> dict[str, bytes]:
    """Return the files of a model whose tensors are renamed, or left out; 400 kB of weights beside them."""
    files = tiny_llama(**config)
    stored = load(files["model.safetensors"]) | {"model.extra.weight": np.zeros(100_000, np.float32)}
    tensors = {rename(name): tensor for name, tensor in stored.items()}
    weights = save({name: tensor for name, tensor in tensors.items() if name}, metadata={"format": "pt"})
    return files | {"model.safetensors": weights}


@BROKEN
def test_weights_that_are_not_whole_are_refused(
    tmp_path: Path, rename: Callable[[str], str | None], said: tuple[str, ...]
) -> None:
    folder = write_files(broken(rename), tmp_path / "model")
    done = benchy("check", hub_config(tmp_path, str(folder)), cwd=tmp_path)
    assert_refused(done, 7, "ModelLoadError", "random numbers", *said)


def test_on_the_hub_only_the_headers_are_read(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    files = broken(_without_head)
    loopback_hub.add_repository("org/tiny", files)
    done = benchy_on(loopback_hub, tmp_path, "run", hub_config(tmp_path))
    assert_refused(done, 7, "ModelLoadError", "lack lm_head,", "org/tiny")
    assert loopback_hub.content_bytes == len(files["config.json"]) + 100_001
    assert not (tmp_path / "outputs").exists()
