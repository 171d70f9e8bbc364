"""Weights that lack a part of the architecture are refused, and told what to do; whole ones are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load, save

from benchy.checkpoint.checkpoint import read_checkpoint
from benchy.checkpoint.source import open_folder
from benchy.config import ModelConfig
from benchy.errors import ModelLoadError
from benchy.preflight.weights import check_weights
from tests.hub.models import tiny_adapter, tiny_llama, write_files


def check(folder: Path, files: dict[str, bytes], **keys: Any) -> None:
    """Check a model with these files."""
    model = ModelConfig.model_validate({"name": "m"} | keys)
    check_weights(model, read_checkpoint(model, open_folder(write_files(files, folder / "m"))))


def llama(rename: dict[str, str] | None = None, *, drop: tuple[str, ...] = (), **config: Any) -> dict[str, bytes]:
    """Return a Llama's files without some tensors, or with parts of their names replaced."""
    files = tiny_llama(**config)
    tensors = load(files["model.safetensors"])
    kept = {name: tensor for name, tensor in tensors.items() if not any(part in name for part in drop)}
    for old, new in (rename or {}).items():
        kept = {name.replace(old, new): tensor for name, tensor in kept.items()}
    return files | {"model.safetensors": save(kept)}


def test_a_whole_model_is_taken(tmp_path: Path) -> None:
    check(tmp_path, llama())


@pytest.mark.parametrize(
    ("drop", "said"),
    [
        (("layers.1.mlp.up_proj",), "lack model.layers.1.mlp.up_proj, which its config.json asks for"),
        (("model.norm",), "lack model.norm, which"),
        (("lm_head",), "lack lm_head, which"),
        (("q_proj", "k_proj"), "lack 4 modules, model.layers.0.self_attn.q_proj, model.layers.0.self_attn.k_proj"),
        (("layers.1.",), "lack 9 modules, "),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, drop: tuple[str, ...], said: str) -> None:
    with pytest.raises(ModelLoadError) as refused:
        check(tmp_path, llama(drop=drop))
    assert refused.value.message.startswith("the weights of m ")
    assert said in refused.value.message
    assert "transformers would fill with random numbers" in refused.value.message
    assert refused.value.hint == "save the model again, whole, or correct its config.json"


def test_many_missing_modules_are_named_in_part(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"lack 18 modules, (\S+, ){4}\.\.\., which"):
        check(tmp_path, llama(drop=("layers.",)))


def test_names_with_something_before_them_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError) as refused:
        check(tmp_path, llama({"model.": "module.model.", "lm_head": "module.lm_head"}))
    assert refused.value.hint == 'the names of its tensors begin with "module.": save the model without that'


@pytest.mark.parametrize(
    ("files", "keys"),
    [
        (llama(drop=("lm_head",), tie_word_embeddings=True), {}),
        (llama(drop=("layers.1.",), model_type="of-nobody-known"), {}),
        (llama(drop=("layers.1.",)), {"args": {"key_mapping": {"a": "b"}}}),
        (llama(drop=("layers.1.",), auto_map={"AutoModel": "own.Own"}), {"trust_remote_code": True}),
        (tiny_adapter("org/base"), {}),
        ({"m.gguf": b"GGUF"}, {"args": {"gguf_file": "m.gguf"}}),
        ({"config.json": json.dumps({"model_type": "llama"}).encode(), "pytorch_model.bin": b"pickle"}, {}),
    ],
    ids=["tied", "unknown", "mapped", "own code", "adapter", "gguf", "pickle"],
)
def test_what_may_be_whole_is_not_judged(tmp_path: Path, files: dict[str, bytes], keys: dict[str, Any]) -> None:
    check(tmp_path, files, **keys)


def test_code_that_may_not_run_makes_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="lack 9 modules"):
        check(tmp_path, llama(drop=("layers.1.",), auto_map={"AutoModel": "own.Own"}))
