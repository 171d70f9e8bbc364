"""Those files of a model are loaded that transformers would load, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchy.checkpoint.files import (
    IN_ORDER,
    files_to_hash,
    files_to_load,
    find_weights,
    name_some,
    source_of,
    weight_files,
)
from benchy.config import ModelConfig
from benchy.errors import ModelLoadError, ModelNotFound


def model(**keys: Any) -> ModelConfig:
    return ModelConfig.model_validate({"name": "org/m"} | keys)


@pytest.mark.parametrize(
    ("keys", "source"),
    [
        ({}, "hub"),
        ({"backend": "vllm"}, "hub"),
        ({"backend": "local-completions"}, "api"),
        ({"name": "here"}, "folder"),
        ({"name": "nowhere/at/all"}, "hub"),
        ({"name": "here", "backend": "openai-completions"}, "api"),
    ],
)
def test_a_model_comes_from_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], source: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    assert source_of(model(**keys)) == source


@pytest.mark.parametrize("number", range(len(IN_ORDER)))
def test_the_first_that_transformers_takes_is_taken(number: int) -> None:
    assert find_weights({"config.json", "x.gguf", *IN_ORDER[number:]}, model()) == IN_ORDER[number]


def test_a_subfolder_is_where_the_model_is() -> None:
    paths = {"model.safetensors", "fp16/pytorch_model.bin"}
    assert find_weights(paths, model(args={"subfolder": "fp16"})) == "fp16/pytorch_model.bin"


def test_a_gguf_file_is_named_by_the_config() -> None:
    paths = {"b.gguf", "a.gguf", "model.safetensors"}
    assert find_weights(paths, model(args={"gguf_file": "b.gguf"})) == "b.gguf"
    with pytest.raises(ModelNotFound) as refused:
        find_weights(paths, model(args={"gguf_file": "c.gguf"}))
    assert refused.value.message == 'org/m holds no "c.gguf"'
    assert refused.value.hint == "GGUF files there: a.gguf, b.gguf"


@pytest.mark.parametrize(
    ("paths", "kind", "said", "hint"),
    [
        (set(), ModelNotFound, "org/m holds no config.json and no weights", "name a repository or folder"),
        ({"config.json"}, ModelNotFound, "org/m holds no weights", "name a repository or folder"),
        ({"a.Q4.gguf", "b.gguf"}, ModelLoadError, '"hf" can load: a.Q4.gguf, b.gguf', 'e.g. "a.Q4.gguf"'),
        ({"tf_model.h5"}, ModelLoadError, '"hf" can load: tf_model.h5', "it needs one of model.safetensors, "),
        ({"fp16/model.safetensors"}, ModelLoadError, "fp16/model.safetensors", "it needs one of"),
        ({f"{n}.pt" for n in range(9)}, ModelLoadError, "0.pt, 1.pt, 2.pt, 3.pt, ...", "it needs one of"),
    ],
)
def test_what_cannot_be_loaded_is_named(
    paths: set[str], kind: type[ModelLoadError | ModelNotFound], said: str, hint: str
) -> None:
    with pytest.raises(kind) as refused:
        find_weights(paths, model())
    assert said in refused.value.message
    assert hint in refused.value.hint


@pytest.mark.parametrize("folder", ["", "fp16/"])
def test_shards_are_those_of_the_index_beside_it(tmp_path: Path, folder: str) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"}}))
    found = weight_files(f"{folder}model.safetensors.index.json", lambda path: tmp_path / Path(path).name)
    assert found == [f"{folder}1.safetensors", f"{folder}2.safetensors"]
    assert weight_files("model.safetensors", Path) == ["model.safetensors"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"weight_map": 5}',
        b'{"weight_map": ["a"]}',
        b'{"weight_map": {"a": [1]}}',
        b'{"weight_map": {"a": 5}}',
        b"[" * 200_000,
    ],
    ids=range(9),
)
def test_an_index_that_is_none_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pytorch_model.bin.index.json").write_bytes(content)
    with pytest.raises(ModelLoadError, match=r"pytorch_model\.bin\.index\.json is damaged: ") as refused:
        weight_files("pytorch_model.bin.index.json", tmp_path.joinpath)
    assert refused.value.hint == "the repository needs a new upload"


PATHS = (
    "config.json", "tokenizer.model", "README.md", "merges.txt", "own.yaml", "code.py", "own/deep/code.py", "x.onnx",
    "additional_chat_templates/tool.jinja", "fp16/config.json", "fp16/a.safetensors", "onnx/config.json",
    "leaderboard.json", "model.safetensors.index.json", "pytorch_model.bin.index.json", "a.safetensors", "b.bin",
)  # fmt: skip
SMALL = [
    "additional_chat_templates/tool.jinja", "code.py", "config.json", "leaderboard.json", "merges.txt",
    "own.yaml", "own/deep/code.py", "tokenizer.model",
]  # fmt: skip


@pytest.mark.parametrize(
    ("weights", "more"),
    [
        ({"a.safetensors"}, []),
        ({"a.safetensors", "model.safetensors.index.json"}, []),
        ({"fp16/a.safetensors"}, ["fp16/config.json"]),
    ],
)
def test_weights_are_loaded_with_the_small_files_beside_them(weights: set[str], more: list[str]) -> None:
    assert files_to_load(PATHS, weights) == sorted([*SMALL, *weights, *more])


@pytest.mark.parametrize("with_code", [True, False])
def test_what_makes_a_model_is_hashed(with_code: bool) -> None:
    code = ["code.py", "own/deep/code.py"] if with_code else []
    expected = ["additional_chat_templates/tool.jinja", "config.json", "merges.txt", "tokenizer.model", *code]
    assert files_to_hash(PATHS, {"a.safetensors"}, with_code=with_code) == sorted([*expected, "a.safetensors"])


@pytest.mark.parametrize(
    ("names", "said"), [([], "none"), (["a"], "a"), (list("abcd"), "a, b, c, d"), (list("abcde"), "a, b, c, d, ...")]
)
def test_some_names_are_enough(names: list[str], said: str) -> None:
    assert name_some(names) == said
