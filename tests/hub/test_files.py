"""Files of a repository are listed, read and asked for at one commit, with as few bytes as may be."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from benchy.errors import AccessDenied, ModelLoadError, ModelNotFound, NetworkError
from benchy.hub import RemoteFile, Repo, blob_path, cached_commit, list_files, read_file, read_header, require_access
from tests.hub.fixtures import loopback_hub, own_hub
from tests.hub.models import safetensors_header
from tests.hub.repositories import Repository
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub", "own_hub"]

WEIGHTS = safetensors_header(a=("F32", (2, 3)), b=("BF16", (4,)))
FILES = {"config.json": b'{"a": 1}', "model.safetensors": WEIGHTS}


@pytest.fixture
def tiny(own_hub: LoopbackHub) -> Repository:
    """Provide a repository with a small file and weights."""
    return own_hub.add_repository("org/tiny", FILES)


def test_a_listing_names_the_commit_and_each_file_as_the_cache_does(tiny: Repository) -> None:
    listing = list_files(Repo("org/tiny"))
    assert listing.commit == tiny.head
    assert set(listing.files) == {*FILES, ".gitattributes"}
    sha1 = hashlib.sha1(b"blob 8\0" + FILES["config.json"], usedforsecurity=False).hexdigest()
    assert listing.files["config.json"] == RemoteFile(8, sha1)
    assert listing.files["model.safetensors"] == RemoteFile(len(WEIGHTS), hashlib.sha256(WEIGHTS).hexdigest())


@pytest.mark.parametrize("by", ["branch", "commit"])
def test_a_listing_is_of_the_revision(tiny: Repository, by: str) -> None:
    commit = tiny.commit({"old.json": b"{}"}, branch="old")
    listing = list_files(Repo("org/tiny", revision="old" if by == "branch" else commit))
    assert (listing.commit, "old.json" in listing.files) == (commit, True)
    assert "old.json" not in list_files(Repo("org/tiny")).files


def test_a_data_set_is_another_repository_of_the_same_name(own_hub: LoopbackHub, tiny: Repository) -> None:
    data = own_hub.add_repository("org/tiny", {"data.json": b"[]"}, repo_type="dataset")
    assert list_files(Repo("org/tiny", "dataset")).commit == data.head != tiny.head
    assert read_file(Repo("org/tiny", "dataset"), "data.json").read_bytes() == b"[]"


@pytest.mark.usefixtures("tiny")
def test_a_file_is_fetched_once(own_hub: LoopbackHub, tmp_path: Path) -> None:
    first = read_file(Repo("org/tiny"), "config.json")
    again = read_file(Repo("org/tiny"), "config.json")
    assert first == again
    assert first.is_relative_to(tmp_path / "hf" / "hub")
    assert first.read_bytes() == FILES["config.json"]
    assert own_hub.count("GET /org/tiny/resolve/.*config.json") == 1


def test_a_header_is_read_without_the_weights(own_hub: LoopbackHub) -> None:
    large = safetensors_header(a=("F32", (1000, 1000)))
    own_hub.add_repository("org/large", {"model.safetensors": large})
    repo = Repo("org/large")
    header = read_header(repo, "model.safetensors", list_files(repo).files["model.safetensors"])
    assert {name: (info.dtype, info.shape) for name, info in header.tensors.items()} == {"a": ("F32", [1000, 1000])}
    assert own_hub.bytes_served(large) < len(large) / 10


@pytest.mark.usefixtures("tiny")
def test_a_header_of_what_is_cached_costs_no_request(own_hub: LoopbackHub) -> None:
    repo = Repo("org/tiny")
    file = list_files(repo).files["model.safetensors"]
    blob_path(repo, file).parent.mkdir(parents=True)
    blob_path(repo, file).write_bytes(WEIGHTS)
    before = len(own_hub.seen)
    header = read_header(repo, "model.safetensors", file)
    assert {name: info.shape for name, info in header.tensors.items()} == {"a": [2, 3], "b": [4]}
    assert len(own_hub.seen) == before


def test_a_header_that_is_none_is_damage(own_hub: LoopbackHub) -> None:
    said = [b"not js}", b"[]", b'{"a": 1} ', b'{"a": {}}', b"[" * 5000]
    headers = [len(text).to_bytes(8, "little") + text for text in said]
    contents = [b"short", b"\xff" * 8 + b"{}", (99).to_bytes(8, "little") + b'{"a": ', *headers]
    files = {f"{number}.safetensors": content for number, content in enumerate(contents)}
    own_hub.add_repository("org/broken", files)
    repo = Repo("org/broken")
    listed = list_files(repo).files
    for name in files:
        with pytest.raises(ModelLoadError) as refused:
            read_header(repo, name, listed[name])
        assert refused.value.message.startswith(f"{name} of org/broken is damaged: ")
        assert refused.value.hint == f"look at {own_hub.endpoint}/org/broken"


def test_the_commit_of_the_last_time_is_known_without_the_network(
    tiny: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_file(Repo("org/tiny"), "config.json")
    fetched = tiny.head
    tiny.commit({"more.json": b"{}"})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert cached_commit(Repo("org/tiny")) == fetched
    assert cached_commit(Repo("org/tiny", revision=fetched)) == fetched
    with pytest.raises(NetworkError, match="is not whole in the cache"):
        cached_commit(Repo("org/tiny", revision="v2"))


@pytest.mark.usefixtures("tiny")
def test_access_is_proved_without_a_file(own_hub: LoopbackHub) -> None:
    require_access(Repo("org/tiny"), "model.safetensors")
    assert own_hub.content_bytes == 0
    with pytest.raises(ModelNotFound, match="org/tiny lacks a file"):
        require_access(Repo("org/tiny"), "nowhere.safetensors")


def test_a_gated_repository_lists_its_files_and_gives_none(tiny: Repository) -> None:
    tiny.gated = True
    assert "config.json" in list_files(Repo("org/tiny")).files
    for ask in (require_access, read_file):
        with pytest.raises(AccessDenied, match="org/tiny is gated"):
            ask(Repo("org/tiny"), "config.json")
