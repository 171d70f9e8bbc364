"""The engine is asked for what a worker's options say, and what it lacks is named."""

from __future__ import annotations

from typing import Any

import pytest

from benchy.errors import ImageMissing, NoEngine
from benchy.runtimes.docker.engine import (
    build_command,
    connect,
    docker_arguments,
    leased_gpus,
    remove_containers,
    require_image,
)
from benchy.runtimes.docker.mounts import MountOption
from benchy.runtimes.docker.options import ContainerOptions
from tests.runtimes.docker.scripted_engine import ID, ScriptedEngine


def options(**changes: Any) -> ContainerOptions:
    given: dict[str, Any] = {
        "image": "sha256:1", "command": ("python", "-m", "x"), "environment": {"A": "1"}, "labels": {"l": "v"},
        "mounts": (), "working_dir": "/srv", "user": "10001:100",
    }  # fmt: skip
    return ContainerOptions(**given | changes)


def test_options_are_what_the_sdk_takes() -> None:
    made = docker_arguments(options(memory="8g", ulimits={"memlock": -1}, tmpfs={"/tmp": "rw"}))  # noqa: S108
    assert (made["image"], made["command"], made["entrypoint"]) == ("sha256:1", ["python", "-m", "x"], [])
    assert (made["environment"], made["labels"], made["user"]) == ({"A": "1"}, {"l": "v"}, "10001:100")
    assert (made["mem_limit"], made["memswap_limit"]) == ("8g", "8g"), "no swap beside it"
    assert made["ulimits"] == [{"Name": "memlock", "Soft": -1, "Hard": -1}]
    assert made["log_config"]["Type"] == "none"
    assert all(made[key] for key in ("init", "stdin_open", "auto_remove", "read_only"))


def test_mounts_keep_their_kind_and_whether_they_may_be_written() -> None:
    mounts = (MountOption("bind", "/host/m", "/m"), MountOption("volume", "cache", "/cache", writable=True))
    made = docker_arguments(options(mounts=mounts))["mounts"]
    assert [(mount["Type"], mount["Source"], mount["Target"], mount["ReadOnly"]) for mount in made] == [
        ("bind", "/host/m", "/m", True),
        ("volume", "cache", "/cache", False),
    ]


@pytest.mark.parametrize(
    ("gpu_ids", "requests"),
    [
        ((), []),
        (("GPU-1", "GPU-2"), [("", ["GPU-1", "GPU-2"], [["gpu"]])]),
        (("nvidia.com/gpu=0",), [("cdi", ["nvidia.com/gpu=0"], [])]),
    ],
)
def test_gpus_are_asked_for_by_the_engines_own_ways(gpu_ids: tuple[str, ...], requests: list[object]) -> None:
    made = docker_arguments(options(gpu_ids=gpu_ids))["device_requests"]
    assert [(one["Driver"], one["DeviceIDs"], one["Capabilities"]) for one in made] == requests


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x"])
def test_where_no_engine_answers_its_address_is_named(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    for ask in (connect, lambda: remove_containers("a-flow-run")):
        with pytest.raises(NoEngine) as refused:
            ask()
        assert refused.value.message == f"no Docker engine answers at {address}"
        assert refused.value.hint == NoEngine.default_hint


def test_an_image_is_named_by_its_digest() -> None:
    with ScriptedEngine(answers={"GET /images/own:1/json": (200, {"Id": "sha256:abc"})}) as engine:
        assert require_image(engine.client, "own:1") == "sha256:abc"


def test_an_image_that_was_not_built_says_how() -> None:
    missing = {"GET /images/own:1/json": (404, {"message": "No such image: own:1"})}
    with ScriptedEngine(answers=missing) as engine, pytest.raises(ImageMissing) as refused:
        require_image(engine.client, "own:1")
    assert refused.value.message == 'the Docker engine has no image "own:1"'
    assert refused.value.hint == "build it: `docker build -f Dockerfile.gpu -t own:1 .`"


def test_a_command_is_safe_to_be_pasted() -> None:
    assert build_command("own; rm -rf /") == "docker build -f Dockerfile.gpu -t 'own; rm -rf /' ."


def test_gpus_of_every_run_are_told_with_its_name() -> None:
    found = [
        {"Id": "1", "Labels": {"benchy.run": "one", "benchy.gpus": "GPU-1,GPU-2"}},
        {"Id": "2", "Labels": {"benchy.run": "two", "benchy.gpus": ""}},
        {"Id": "3", "Labels": {"benchy.gpus": "GPU-3"}},
    ]
    with ScriptedEngine(answers={"GET /containers/json": (200, found)}) as engine:
        assert leased_gpus(engine.client) == {"GPU-1": "one", "GPU-2": "one", "GPU-3": ""}


def test_the_containers_of_a_flow_run_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    listed: dict[str, tuple[int, object]] = {
        "GET /version": (200, {"ApiVersion": "1.44"}),
        "GET /containers/json": (200, [{"Id": ID}]),
        f"GET /containers/{ID}/json": (200, {"Id": ID}),
    }
    with ScriptedEngine(answers=listed) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        remove_containers("a-flow-run")
        assert engine.seen[-1] == f"DELETE /containers/{ID}"
