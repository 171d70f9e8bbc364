"""A model's files are read alike from a folder and from the Hub, and what cannot be read is named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from benchy.checkpoint.source import (
    LARGEST_JSON_BYTES,
    FolderModel,
    folder_name,
    list_files,
    open_folder,
    open_repository,
    read_json,
)
from benchy.errors import ModelLoadError, ModelNotFound
from benchy.hub import Repo
from tests.hub.fixtures import loopback_hub, own_hub
from tests.hub.models import safetensors_header, write_files
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub", "own_hub"]

WEIGHTS = safetensors_header(embed=("F32", (3, 2)), head__weight=("BF16", (4,)))
FILES = {"config.json": b'{"model_type": "llama"}', "onnx/model.safetensors": WEIGHTS, "model.safetensors": WEIGHTS}


def test_a_folder_and_a_repository_say_the_same(own_hub: LoopbackHub, tmp_path: Path) -> None:
    repository = own_hub.add_repository("org/tiny", FILES)
    local, remote = open_folder(write_files(FILES, tmp_path / "m")), open_repository(Repo("org/tiny"))
    assert set(local.paths) == set(FILES)
    assert set(remote.paths) == {*FILES, ".gitattributes"}
    assert remote.repo.revision == repository.head
    for path, content in FILES.items():
        assert local.size(path) == remote.size(path) == len(content)
        assert local.read(path).read_bytes() == remote.read(path).read_bytes() == content
    for source in (local, remote):
        tensors = source.tensors("model.safetensors")
        assert {name: (info.dtype, info.shape) for name, info in tensors.items()} == {
            "embed": ("F32", [3, 2]),
            "head.weight": ("BF16", [4]),
        }
        assert read_json(source, "config.json") == {"model_type": "llama"}


def test_a_repository_stays_at_its_commit(own_hub: LoopbackHub) -> None:
    repository = own_hub.add_repository("org/tiny", FILES)
    source = open_repository(Repo("org/tiny"))
    repository.commit({"config.json": b'{"model_type": "gpt2"}'})
    assert read_json(source, "config.json") == {"model_type": "llama"}


def test_a_repository_that_is_not_there_is_named(own_hub: LoopbackHub) -> None:
    with pytest.raises(ModelNotFound, match="org/nowhere"):
        open_repository(Repo("org/nowhere"))
    assert own_hub.content_bytes == 0


def test_files_of_hidden_folders_and_what_is_no_file_are_left_out(tmp_path: Path) -> None:
    names = ("a.json", "b/c/d.bin", ".hidden.json", ".git/config", "b/.cache/e.bin")
    write_files(dict.fromkeys(names, b"x"), tmp_path / "m")
    (tmp_path / "m" / "gone").symlink_to("nowhere")
    (tmp_path / "m" / "link.json").symlink_to("a.json")
    os.mkfifo(tmp_path / "m" / "pipe")
    assert sorted(list_files(tmp_path / "m")) == [".hidden.json", "a.json", "b/c/d.bin", "link.json"]
    assert list(list_files(tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "unpack requires a buffer of 8 bytes"),
        ((100_000_001).to_bytes(8, "little"), "its header would have 100000001 bytes"),
        ((2).to_bytes(8, "little") + b"{}", None),
        ((2).to_bytes(8, "little") + b"[]", "its header holds no tensors"),
        ((8).to_bytes(8, "little") + b'{"a": 1}', "in its header, a: Input should be"),
        ((9).to_bytes(8, "little") + b'{"a": {}}', "in its header, a.dtype: Field required"),
    ],
)
def test_a_header_is_read_or_its_damage_is_named(tmp_path: Path, content: bytes, said: str | None) -> None:
    source = open_folder(write_files({"model.safetensors": content}, tmp_path / "m"))
    if said is None:
        assert source.tensors("model.safetensors") == {}
        return
    with pytest.raises(ModelLoadError) as refused:
        source.tensors("model.safetensors")
    assert refused.value.message.startswith(f"{tmp_path / 'm' / 'model.safetensors'} is damaged: ")
    assert said in refused.value.message
    assert refused.value.hint == "save the model again"


def test_metadata_of_a_header_is_no_tensor(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {"format": "pt"}, "a": {"dtype": "I8", "shape": []}}).encode()
    content = len(header).to_bytes(8, "little") + header
    source = open_folder(write_files({"model.safetensors": content}, tmp_path / "m"))
    assert {name: info.shape for name, info in source.tensors("model.safetensors").items()} == {"a": []}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "config.json is no JSON: "),
        (b"{", "config.json is no JSON: "),
        (b"\xff\xfe{}", "config.json is no JSON: "),
        (b"[" * 200_000, "config.json is no JSON: "),
        (b"[]", "config.json holds no object"),
        (b"null", "config.json holds no object"),
    ],
    ids=["empty", "cut", "no text", "deep", "a list", "nothing"],
)
def test_a_json_file_that_is_none_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    source = open_folder(write_files({"config.json": content}, tmp_path / "m"))
    with pytest.raises(ModelLoadError) as refused:
        read_json(source, "config.json")
    assert refused.value.message.startswith(said)
    assert refused.value.hint == "the model needs a new upload"


def test_no_more_of_a_json_file_is_read_than_any_model_has(tmp_path: Path) -> None:
    path = write_files({"config.json": b"{}"}, tmp_path / "m") / "config.json"
    with path.open("r+b") as file:
        file.truncate(LARGEST_JSON_BYTES * 100)  # a sparse file: most of it is on no disk
    with pytest.raises(ModelLoadError, match=r"config\.json is no JSON"):
        read_json(open_folder(tmp_path / "m"), "config.json")


@pytest.mark.parametrize("ask", [read_json, FolderModel.tensors])
def test_a_file_that_is_gone_cannot_be_read(tmp_path: Path, ask: Any) -> None:
    with pytest.raises(ModelLoadError, match=r"model\.safetensors cannot be read: No such file") as refused:
        ask(open_folder(tmp_path), "model.safetensors")
    assert "let this user read it" in refused.value.hint


@pytest.mark.parametrize(
    ("path", "name"), [("m", "m"), ("a/b/", "a/b"), ("./m", "m"), ("/srv//m", "/srv/m"), (".", "here"), ("..", "up")]
)
def test_a_model_is_called_as_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, name: str) -> None:
    (tmp_path / "up" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "up" / "here")
    assert folder_name(path) == name
