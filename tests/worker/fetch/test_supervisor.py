"""What a worker fetches from a loopback Hub: only what is loaded, at one commit, once, whatever goes wrong."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchy.errors import ErrorData
from benchy.protocol import Progress
from benchy.record import ModelIdentity
from tests.disks import mounted
from tests.hub.commands import benchy_on, download_on, hub_config, start_download
from tests.hub.faults import Fault
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


def test_shards_are_those_that_the_index_names_and_come_side_by_side(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    shards = {"model-00001-of-00002.safetensors": b"a" * 50, "model-00002-of-00002.safetensors": b"b" * 60}
    index = {"weight_map": {"x": "model-00001-of-00002.safetensors", "y": "model-00002-of-00002.safetensors"}}
    files = {"config.json": b"{}", "model.safetensors.index.json": json.dumps(index).encode()} | shards
    loopback_hub.add_repository("org/tiny", files | NOT_LOADED | {"model.fp16-00001-of-00001.safetensors": b"c" * 70})
    both_asked_for = threading.Barrier(2)
    loopback_hub.faults.add(Fault("GET /cdn/", times=2, before=both_asked_for.wait))
    assert isinstance(download_on(loopback_hub, tmp_path), ModelIdentity)
    assert loopback_hub.content_bytes == needed_bytes(files)


def test_dropped_connections_and_server_errors_are_got_over(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    files = tiny_llama()
    loopback_hub.add_repository("org/tiny", files)
    loopback_hub.fail("GET .*/resolve/.*/config.json", status=500, times=2)
    loopback_hub.fail("GET /cdn/", status=429, times=1, retry_after=0)
    loopback_hub.cut("GET /cdn/", after=30_000, times=1)
    assert isinstance(download_on(loopback_hub, tmp_path), ModelIdentity)
    # it goes on from the last whole MiB, so that these 30,000 bytes come twice
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
    assert ['"commit"' in process.communicate(timeout=300)[0] for process in both] == [True, True]
    assert loopback_hub.content_bytes == needed_bytes(files)


@pytest.mark.parametrize("status", [None, 403], ids=["hangs", "breaks"])
def test_where_xet_fails_the_second_try_does_without(
    loopback_hub: LoopbackHub, tmp_path: Path, status: int | None
) -> None:
    loopback_hub.add_repository("org/tiny", tiny_llama()).on_xet = True
    if status:
        loopback_hub.fail("/xet/", status=status)
    found = download_on(loopback_hub, tmp_path, options={"stall_seconds": 5}, environment={"HF_HUB_DISABLE_XET": "0"})
    assert isinstance(found, ModelIdentity)
    assert loopback_hub.count("/xet-read-token/") >= 1
    assert loopback_hub.count("/xet/") >= 1
    assert loopback_hub.count("GET /cdn/") >= 1
    assert leftovers(tmp_path) == []


def test_a_hub_that_only_stalls_is_given_up(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add_repository("org/tiny", tiny_llama())
    loopback_hub.stall("GET /cdn/")
    patient = {"HF_HUB_DOWNLOAD_TIMEOUT": "600"}
    error = download_on(loopback_hub, tmp_path, options={"stall_seconds": 0.5}, environment=patient)
    assert isinstance(error, ErrorData)
    assert (error.kind, error.transient) == ("NetworkError", True)
    assert "no byte came for 0.5 s, 3 times in a row" in error.message


def test_what_arrives_damaged_is_fetched_again(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    files = tiny_llama()
    loopback_hub.add_repository("org/tiny", files)
    loopback_hub.faults.add(Fault("GET /cdn/", times=1, corrupt=True))
    loopback_hub.faults.add(Fault("GET .*/config.json", times=1, corrupt=True))
    assert isinstance(download_on(loopback_hub, tmp_path), ModelIdentity)
    (snapshot,) = (tmp_path / "hf" / "hub" / "models--org--tiny" / "snapshots").iterdir()
    assert {path.name: path.read_bytes() for path in snapshot.iterdir()} == {
        path: content for path, content in files.items() if path != "README.md"
    }


def test_damage_that_stays_is_an_error_and_leaves_nothing_in_the_cache(
    loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    loopback_hub.add_repository("org/tiny", tiny_llama())
    loopback_hub.faults.add(Fault("GET /cdn/", corrupt=True))
    error = download_on(loopback_hub, tmp_path)
    assert isinstance(error, ErrorData)
    assert (error.kind, "model.safetensors of org/tiny arrives damaged" in error.message) == ("NetworkError", True)
    assert not list((tmp_path / "hf").rglob("model.safetensors"))


def test_a_killed_download_leaves_parts_that_the_next_one_sweeps(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    files = tiny_llama()
    loopback_hub.add_repository("org/tiny", files)
    loopback_hub.stall("GET /cdn/", after=10_000, times=1)
    first = start_download(loopback_hub, tmp_path)
    wait_until(lambda: bool(leftovers(tmp_path)))
    owned = leftovers(tmp_path)
    second = start_download(loopback_hub, tmp_path)  # it must not take the part away from the first
    wait_until(lambda: loopback_hub.count("/api/models/org/tiny$") == 2)
    first.kill()
    first.communicate()
    assert '"commit"' in second.communicate(timeout=300)[0]
    assert owned
    assert isinstance(download_on(loopback_hub, tmp_path), ModelIdentity)
    assert leftovers(tmp_path) == []


def test_a_disk_without_space_is_named_before_and_while_it_fills(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add_repository("org/tiny", tiny_llama())
    with mounted(tmp_path / "hf", "size=40k"):
        before = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path))
        assert before.returncode == 12
        assert "DiskFull: org/tiny needs" in before.stderr
        assert "move HF_HOME to a larger disk" in before.stderr
        assert loopback_hub.count("/cdn/") == 1  # the header
        error = download_on(loopback_hub, tmp_path)
        assert isinstance(error, ErrorData)
        assert (error.kind, error.transient) == ("DiskFull", False)
        assert f"no space left in {tmp_path / 'hf' / 'hub'} for org/tiny" in error.message


def test_progress_is_in_bytes_with_a_rate(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    big = tiny_llama() | {"model.safetensors": bytes(4_000_000)}
    loopback_hub.add_repository("org/tiny", big)
    loopback_hub.slow_down("GET /cdn/", bytes_per_second=2_000_000)
    process = start_download(loopback_hub, tmp_path, stderr=subprocess.PIPE)
    lines = process.communicate(timeout=300)[1].splitlines()
    events = [Progress.model_validate_json(line) for line in lines if line.startswith('{"event"')]
    assert len(events) >= 3
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert {(event.unit, event.total) for event in events} == {("B", float(needed_bytes(big)))}
    assert events[-1].done == events[-1].total
    assert all(event.rate and event.rate > 0 for event in events)


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


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in (folder / "hf").rglob("*.incomplete")]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
