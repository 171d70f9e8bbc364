"""What a worker fetches from a loopback Hub: only what is loaded, at one commit, once, whatever goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

from benchy.errors import ErrorData
from benchy.record import ModelIdentity
from tests.hub.commands import benchy_on, download_on, hub_config, start_download
from tests.hub.fixtures import loopback_hub
from tests.hub.models import tiny_llama
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]

NOT_LOADED = {
    "pytorch_model.bin": b"the same weights again" * 100,
    "consolidated.safetensors": b"and again" * 100,
    "onnx/model.onnx": b"x" * 1000,
    "original/params.json": b"{}",
    "picture.png": b"x" * 1000,
}


def needed_bytes(files: dict[str, bytes]) -> int:
    return sum(len(content) for path, content in files.items() if path != "README.md")


def test_only_what_is_loaded_is_fetched_and_only_once(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    files = tiny_llama()
    repository = loopback_hub.add_repository("org/tiny", files | NOT_LOADED)
    assert download_on(loopback_hub, tmp_path) == ModelIdentity(name="org/tiny", source="hub", commit=repository.head)
    assert loopback_hub.content_bytes == needed_bytes(files)
    loopback_hub.seen.clear()
    assert download_on(loopback_hub, tmp_path) == ModelIdentity(name="org/tiny", source="hub", commit=repository.head)
    assert loopback_hub.content_bytes == 0


def test_shards_are_those_that_the_index_names(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    shards = {"model-00001-of-00002.safetensors": b"a" * 50, "model-00002-of-00002.safetensors": b"b" * 60}
    index = {"weight_map": {"x": "model-00001-of-00002.safetensors", "y": "model-00002-of-00002.safetensors"}}
    files = {"config.json": b"{}", "model.safetensors.index.json": json.dumps(index).encode()} | shards
    loopback_hub.add_repository("org/tiny", files | NOT_LOADED | {"model.fp16-00001-of-00001.safetensors": b"c" * 70})
    assert isinstance(download_on(loopback_hub, tmp_path), ModelIdentity)
    assert loopback_hub.content_bytes == needed_bytes(files)


def test_dropped_connections_and_server_errors_are_got_over(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    files = tiny_llama()
    loopback_hub.add_repository("org/tiny", files)
    loopback_hub.fail("GET .*/resolve/.*/config.json", status=500, times=2)
    loopback_hub.fail("GET /cdn/", status=429, times=1, retry_after=0)
    loopback_hub.cut("GET /cdn/", after=30_000, times=1)
    assert isinstance(download_on(loopback_hub, tmp_path), ModelIdentity)
    # huggingface_hub goes on from the last whole 10 MiB, so that these 30,000 bytes come twice
    assert loopback_hub.content_bytes == needed_bytes(files) + 30_000
    assert loopback_hub.count("GET .*/resolve/.*/config.json") == 3


def test_a_refusal_in_the_middle_is_not_asked_twice(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add_repository("org/tiny", tiny_llama()).gated = True
    error = download_on(loopback_hub, tmp_path)
    assert isinstance(error, ErrorData)
    assert (error.kind, error.transient) == ("AccessDenied", False)
    assert loopback_hub.count("/resolve/.*/config.json") == 1
    assert loopback_hub.content_bytes == 0


def test_two_processes_fetch_once(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    files = tiny_llama()
    loopback_hub.add_repository("org/tiny", files)
    loopback_hub.slow_down("GET /cdn/", bytes_per_second=60_000)
    both = [start_download(loopback_hub, tmp_path) for _ in range(2)]
    assert ['"commit"' in process.communicate(timeout=60)[0] for process in both] == [True, True]
    assert loopback_hub.content_bytes == needed_bytes(files)


def test_what_was_checked_is_what_is_loaded(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    repository = loopback_hub.add_repository("org/tiny", tiny_llama(seed=1))
    checked = repository.head
    # somebody pushes to main right after it was checked
    loopback_hub.race_download(repository, tiny_llama(seed=2))
    done = benchy_on(loopback_hub, tmp_path, "test", "--model_name", "org/tiny", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert repository.head != checked
    fetched = [path.name for path in (tmp_path / "hf" / "hub" / "models--org--tiny" / "snapshots").iterdir()]
    assert fetched == [checked]
    # after the last file was fetched nothing more was asked: it is loaded from the cache
    assert "resolve" in loopback_hub.seen[-1].path or "cdn" in loopback_hub.seen[-1].path
    assert loopback_hub.count("adapter_config|chat_template") == 0
    said = done.stdout

    # the branch is resolved from the cache where the network is forbidden, and not a request is made
    loopback_hub.seen.clear()
    offline = benchy_on(
        loopback_hub, tmp_path, "test", "--model_name", "org/tiny", "--device", "cpu", HF_HUB_OFFLINE="1"
    )
    assert offline.returncode == 0, offline.stderr
    assert offline.stdout == said
    assert loopback_hub.count() == 0


def test_a_run_names_its_error_when_the_model_goes_away(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add_repository("org/tiny", {"config.json": b"{}"})
    done = benchy_on(loopback_hub, tmp_path, "run", hub_config(tmp_path))
    assert done.returncode == 4
    assert not (tmp_path / "outputs").exists()
