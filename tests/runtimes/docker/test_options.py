"""What a worker's container is, as plain data."""

from __future__ import annotations

from typing import Any

import pytest

from benchy.config import BenchmarkConfig, parse_config
from benchy.errors import ConfigError
from benchy.runtimes.base import RunIdentity
from benchy.runtimes.docker.engine import docker_arguments
from benchy.runtimes.docker.mounts import MountOption
from benchy.runtimes.docker.options import ContainerOptions, container_options
from benchy.runtimes.launch import Role
from tests.runtimes import A_RUN, launch

HOST = {"HF_TOKEN": "hf_secret", "PREFECT_API_KEY": "secret", "HF_ENDPOINT": "http://hub", "PATH": "/host/bin"}


def config(**sections: Any) -> BenchmarkConfig:
    return parse_config({"model": {"name": "a/b"}, "evaluation": {"tasks": "x"}} | sections, source="test")


def options(settings: BenchmarkConfig | None = None, *, role: Role = "model", **more: Any) -> ContainerOptions:
    given: dict[str, Any] = {
        "image_id": "sha256:1",
        "host": HOST,
        "host_memory": 10**9,
        "gid": 100,
        "working_dir": "/srv",
    } | more
    return container_options(launch(settings or config(), role=role), A_RUN, **given)


def test_a_container_may_do_nothing_that_it_need_not() -> None:
    arguments = docker_arguments(options())
    assert arguments["user"] == "10001:100"
    assert arguments["read_only"]
    assert arguments["cap_drop"] == ["ALL"]
    assert arguments["security_opt"] == ["no-new-privileges"]
    assert arguments["pids_limit"] == 4096
    assert arguments["init"]
    assert arguments["auto_remove"]
    assert "privileged" not in arguments


def test_no_secret_of_the_host_is_in_what_docker_inspect_shows() -> None:
    shown = str(docker_arguments(options()))
    assert "secret" not in shown
    assert "http://hub" in shown


def test_gpus_go_to_the_engine_and_to_the_worker_that_checks_them() -> None:
    made = options(gpu_ids=["GPU-1"], gpu_uuids=["GPU-1"])
    (request,) = docker_arguments(made)["device_requests"]
    assert request["DeviceIDs"] == ["GPU-1"]
    assert request["Capabilities"] == [["gpu"]]
    assert made.environment["BENCHY_GPUS"] == "GPU-1"
    assert made.labels["benchy.gpus"] == "GPU-1"


def test_cdi_names_go_to_the_engine_as_they_are() -> None:
    made = options(gpu_ids=["nvidia.com/gpu=0"], gpu_uuids=["GPU-1"])
    (request,) = docker_arguments(made)["device_requests"]
    assert request["Driver"] == "cdi"
    assert request["DeviceIDs"] == ["nvidia.com/gpu=0"]


def test_without_gpus_the_engine_is_asked_for_none() -> None:
    assert docker_arguments(options())["device_requests"] == []
    assert "BENCHY_GPUS" not in options().environment


def test_labels_name_the_run_and_the_flow_run() -> None:
    assert options().labels == {"benchy.run": A_RUN.name, "benchy.gpus": ""}
    run = RunIdentity(A_RUN.name, A_RUN.run_id, A_RUN.folder, flow_run_id="f-1")
    made = container_options(
        launch(config()), run, image_id="sha256:1", host=HOST, host_memory=10**9, gid=0, working_dir="/"
    )
    assert made.labels["benchy.flow_run"] == "f-1"


def test_limits_come_from_the_config() -> None:
    limits = {"shm_size": "2g", "memory": "64g", "pids_limit": 100, "ulimits": {"memlock": -1}}
    arguments = docker_arguments(options(config(container=limits)))
    assert (arguments["shm_size"], arguments["mem_limit"], arguments["pids_limit"]) == ("2g", "64g", 100)
    assert arguments["memswap_limit"] == "64g"
    (ulimit,) = arguments["ulimits"]
    assert (ulimit.name, ulimit.soft, ulimit.hard) == ("memlock", -1, -1)


def test_only_the_worker_that_fetches_may_write_the_cache_that_all_runs_share() -> None:
    settings = config(container={"cache": "weights"})
    assert MountOption("volume", "weights", "/cache", writable=True) in options(settings, role="fetch").mounts
    assert MountOption("volume", "weights", "/cache") in options(settings, role="model").mounts
    assert "/cache" not in [mount.target for mount in options(settings, role="publish").mounts]
    assert options(role="fetch").environment["HF_HOME"] == "/cache/huggingface"
    for role in ("model", "publish"):
        own = {name: value for name, value in options(role=role).environment.items() if name != "BENCHY_SHARED_CACHE"}
        assert own["HF_HOME"] == "/tmp/huggingface"  # noqa: S108 - in the container
        assert not [value for value in own.values() if value.startswith("/cache")]


def test_volumes_of_the_config_are_mounts() -> None:
    made = options(config(container={"volumes": ["/data:/mnt:ro", "named:/vol"]}))
    assert MountOption("bind", "/data", "/mnt") in made.mounts
    assert MountOption("volume", "named", "/vol", writable=True) in made.mounts


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"shm_size": "lots"}, "\"container.shm_size\" is 'lots' (a string); expected a size such as 512m or 8g"),
        ({"volumes": ["/data"]}, "expected source:target or source:target:ro"),
        ({"shmsize": "8g"}, 'unknown key "container.shmsize"; did you mean "container.shm_size"?'),
    ],
)
def test_a_wrong_container_section_says_what_was_expected(container: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError) as failed:
        config(container=container)
    assert expected in failed.value.message


@pytest.mark.parametrize("role", ["model", "build"])
def test_code_that_the_model_writes_may_run_where_that_was_confirmed(role: Role) -> None:
    confirmed = config(evaluation={"tasks": "x", "confirm_run_unsafe_code": True})
    assert docker_arguments(options(confirmed, role=role))["environment"]["HF_ALLOW_CODE_EVAL"] == "1"
    assert "HF_ALLOW_CODE_EVAL" not in docker_arguments(options(role=role))["environment"]
