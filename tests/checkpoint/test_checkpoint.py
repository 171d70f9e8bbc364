"""What a model's files say is known before any of them is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchy.checkpoint.checkpoint import Checkpoint, looks_like_path, open_checkpoint, read_checkpoint
from benchy.checkpoint.source import FolderModel, HubModel, open_folder
from benchy.checkpoint.weights import Weights
from benchy.config import BenchmarkConfig, ModelConfig, parse_config
from benchy.errors import ModelNotFound, NetworkError
from benchy.hub import cached_commit
from benchy.hub.repository import Repo
from benchy.record import Facts
from tests.hub.fixtures import loopback_hub, own_hub
from tests.hub.models import safetensors_header, tiny_adapter, tiny_llama, write_files
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub", "own_hub"]

WEIGHTS = safetensors_header(a=("F32", (2, 3)), b=("BF16", (4,)))


def configured(name: str, **keys: Any) -> BenchmarkConfig:
    return parse_config({"model": {"name": name} | keys, "evaluation": {"tasks": "t"}}, source="test")


def read(folder: Path, files: dict[str, bytes], **keys: Any) -> Checkpoint:
    """Return what is known of a model with these files."""
    model = ModelConfig.model_validate({"name": "m"} | keys)
    return read_checkpoint(model, open_folder(write_files(files, folder / "m")))


def test_a_folder_is_opened_and_an_api_has_no_files(tmp_path: Path) -> None:
    opened = open_checkpoint(configured(str(tmp_path)))
    assert isinstance(opened, FolderModel)
    assert opened.folder == tmp_path
    assert open_checkpoint(configured("gpt-5", backend="local-completions")) is None


@pytest.mark.parametrize("name", ["/nowhere/m", "./m", "../m", "a/b/c", "m/"])
def test_a_path_that_leads_nowhere_is_not_asked_for_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFound) as refused:
        open_checkpoint(configured(name))
    assert (refused.value.message, refused.value.hint) == (f'no folder "{name}"', f"paths are relative to {tmp_path}")


@pytest.mark.parametrize(
    ("name", "is_path"),
    [
        ("gpt2", False),
        ("org/m", False),
        ("/m", True),
        ("./m", True),
        ("../m", True),
        ("~m", True),
        ("a/b/c", True),
        ("org/", True),
        (".m", False),
    ],
)
def test_names_of_the_hub_are_told_from_paths(name: str, is_path: bool) -> None:
    assert looks_like_path(name) is is_path


def test_a_model_on_the_hub_is_fixed_to_its_commit_and_found_again_offline(
    own_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = own_hub.add_repository("org/tiny", {"config.json": b"{}", "model.safetensors": WEIGHTS})
    opened = open_checkpoint(configured("org/tiny"))
    assert isinstance(opened, HubModel)
    assert opened.repo.revision == repository.head == cached_commit(Repo("org/tiny"))
    opened.read("config.json")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFound, match="the cache holds no weights of org/tiny at") as refused:
        open_checkpoint(configured("org/tiny"))
    assert refused.value.hint == "unset HF_HUB_OFFLINE to fetch them"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    opened.read("model.safetensors")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert open_checkpoint(configured("org/tiny")) == Facts(commit=repository.head)
    with pytest.raises(NetworkError, match="is not whole in the cache"):
        open_checkpoint(configured("org/other"))


def test_a_shard_that_is_not_cached_is_named_offline(own_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    index = json.dumps({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}).encode()
    shards = {"1.safetensors": WEIGHTS, "2.safetensors": WEIGHTS[:-1]}
    repository = own_hub.add_repository("org/tiny", {"model.safetensors.index.json": index} | shards)
    opened = open_checkpoint(configured("org/tiny"))
    assert isinstance(opened, HubModel)
    opened.read("model.safetensors.index.json")
    opened.read("1.safetensors")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFound, match=f"the cache lacks 2.safetensors of org/tiny at {repository.head}"):
        open_checkpoint(configured("org/tiny"))


def test_a_whole_model_says_what_it_is(tmp_path: Path) -> None:
    found = read(tmp_path, tiny_llama())
    assert (found.name, found.weights, found.adapter) == ("m", ["model.safetensors"], None)
    assert found.config is not None
    assert (found.config.model_type, found.config.layers) == ("llama", 2)
    assert found.have_headers
    assert "model.layers.1.mlp.down_proj.weight" in found.tensors
    assert set(found.loaded) == set(tiny_llama()) - {"README.md"}
    counted = found.count_parameters()
    assert counted is not None
    assert counted.parameters == sum(p.shape[0] * (p.shape[1:] or [1])[0] for p in found.tensors.values())


def test_shards_are_one_model_and_a_missing_one_is_named(tmp_path: Path) -> None:
    index = json.dumps({"weight_map": {"a": "1.safetensors", "c": "2.safetensors"}}).encode()
    files = {"config.json": b"{}", "model.safetensors.index.json": index, "1.safetensors": WEIGHTS}
    more = {"2.safetensors": safetensors_header(c=("F16", (5,)))}
    assert read(tmp_path, files | more).count_parameters() == Weights({"float32": 6, "bfloat16": 4, "float16": 5})
    (tmp_path / "m" / "2.safetensors").unlink()
    with pytest.raises(ModelNotFound, match=r"m lacks 2\.safetensors, which its index names"):
        _ = read(tmp_path, files).tensors


@pytest.mark.parametrize(("dtype", "expected"), [("bfloat16", 8), ("float64", 2), ("odd", 4), (None, 4)])
def test_pickles_are_counted_by_their_size(tmp_path: Path, dtype: str | None, expected: int) -> None:
    config = json.dumps({"torch_dtype": dtype}).encode()
    found = read(tmp_path, {"config.json": config, "pytorch_model.bin": bytes(16)})
    assert (found.have_headers, found.tensors) == (False, {})
    counted = found.count_parameters()
    assert counted is not None
    assert counted.parameters == expected


def test_nothing_is_known_of_a_gguf_file(tmp_path: Path) -> None:
    found = read(tmp_path, {"m.gguf": b"GGUF"}, args={"gguf_file": "m.gguf"})
    assert (found.config, found.tensors, found.count_parameters()) == (None, {}, None)


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    found = read(tmp_path, tiny_adapter("org/base", revision="v2"))
    assert found.config is None
    assert found.adapter is not None
    assert (found.adapter.base, found.adapter.revision) == ("org/base", "v2")


def test_weights_alone_are_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"m holds no config\.json"):
        read(tmp_path, {"model.safetensors": WEIGHTS})


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({}, set()),
        ({"chat_template.jinja": b"x"}, {"default"}),
        ({"chat_template.json": b"{}"}, {"default"}),
        ({"additional_chat_templates/tool.jinja": b"x", "chat_template.jinja": b"x"}, {"default", "tool"}),
        ({"tokenizer_config.json": b'{"chat_template": "x"}'}, {"default"}),
        ({"tokenizer_config.json": b'{"chat_template": [{"name": "rag", "template": "x"}]}'}, {"rag"}),
        ({"tokenizer_config.json": b'{"chat_template": ""}'}, set()),
    ],
)
def test_chat_templates_are_named(tmp_path: Path, files: dict[str, bytes], names: set[str]) -> None:
    base = {"config.json": b"{}", "model.safetensors": WEIGHTS}
    assert read(tmp_path, base | files).chat_templates == names


def test_reading_a_gguf_file_of_a_gated_model_proves_access(own_hub: LoopbackHub) -> None:
    own_hub.add_repository("org/gguf", {"m.gguf": b"GGUF"})
    config = configured("org/gguf", args={"gguf_file": "m.gguf"})
    source = open_checkpoint(config)
    assert isinstance(source, HubModel)
    assert read_checkpoint(config.model, source).weights == ["m.gguf"]
    assert own_hub.count("HEAD /org/gguf/resolve/.*/m.gguf") == 1
