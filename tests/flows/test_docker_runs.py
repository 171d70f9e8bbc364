"""Whatever ends a run in a container, nothing is left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import REPOSITORY, benchy_command, is_running, start_benchy, write_config
from tests.engine import Engine, host_volumes
from tests.flows.test_benchmark import BENCHMARKS
from tests.flows.test_serving import Service, deployments
from tests.prefect_server import ask, running, wait_until


def waiting_config(folder: Path, image: str, name: str = "config.yaml") -> Path:
    """A run in a container whose only benchmark waits for ever."""
    container: dict[str, Any] = {"image": image, "volumes": host_volumes()}
    evaluation = BENCHMARKS | {"tasks": "waiting"}
    return write_config(folder, name, runtime="docker", container=container, evaluation=evaluation)


def waits(log_folder: Path) -> bool:
    return any("the benchmark waits" in path.read_text("utf-8") for path in log_folder.glob("*.log"))


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_or_killed_leaves_no_container(
    docker_host: Engine, worker_image: str, tmp_path: Path, stop: signal.Signals
) -> None:
    process = start_benchy("run", waiting_config(tmp_path, worker_image), cwd=REPOSITORY)
    try:
        wait_until(lambda: process.poll() is not None or waits(tmp_path / "logs"), seconds=150)
        assert len(docker_host.containers()) == 1
        os.kill(process.pid, stop)
        assert docker_host.is_empty_within(15)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def serving(docker_host: Engine, worker_image: str, prefect_api: str, tmp_path: Path) -> Iterator[Service]:
    """A running ``benchy serve`` with the waiting run."""
    (tmp_path / "configs").mkdir()
    name = f"waits-{tmp_path.name}".replace("_", "-")
    waiting_config(tmp_path, worker_image, f"configs/{name}.yaml")
    environment = {"PREFECT_API_URL": prefect_api, "DOCKER_HOST": docker_host.address}
    with running(benchy_command("serve", tmp_path / "configs"), environment=environment, cwd=REPOSITORY) as process:
        wait_until(lambda: process.poll() is not None or name in deployments(prefect_api), seconds=120)
        assert process.poll() is None
        yield Service(prefect_api, tmp_path, process.pid)


def started(serving: Service) -> str:
    (config,) = (serving.folder / "configs").iterdir()
    run_id = serving.start(f"benchy/{config.stem}")
    wait_until(lambda: waits(serving.folder / "logs"), seconds=150)
    return run_id


def test_cancelling_in_prefect_ends_the_container(serving: Service, docker_host: Engine) -> None:
    run_id = started(serving)
    ask(serving.api, f"flow_runs/{run_id}/set_state", state={"type": "CANCELLING", "name": "Cancelling"})
    assert docker_host.is_empty_within(15)
    wait_until(lambda: serving.state(run_id) == "Cancelled", seconds=60)


def test_a_service_that_is_told_to_stop_ends_its_run_first(serving: Service, docker_host: Engine) -> None:
    run_id = started(serving)
    os.kill(serving.pid, signal.SIGTERM)
    wait_until(lambda: not is_running(serving.pid), seconds=60)
    assert docker_host.containers() == []
    assert serving.state(run_id) == "Crashed"
    assert serving.record(run_id).status == "interrupted"


def test_a_service_that_is_killed_with_its_run_leaves_no_container_and_the_next_one_says_crashed(
    serving: Service, docker_host: Engine
) -> None:
    run_id = started(serving)
    os.killpg(serving.pid, signal.SIGKILL)
    assert docker_host.is_empty_within(15)
    environment = {"PREFECT_API_URL": serving.api, "DOCKER_HOST": docker_host.address}
    command = benchy_command("serve", serving.folder / "configs")
    with running(command, environment=environment, cwd=REPOSITORY):
        wait_until(lambda: serving.state(run_id) == "Crashed", seconds=60)
