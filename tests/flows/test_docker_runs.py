"""Whatever ends a run in a container of the real image, nothing is left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchy.runtimes.docker.engine import leased_gpus
from tests.commands import REPOSITORY, benchy_command, is_running, kill, only_record, start_benchy, write_config
from tests.engine import Engine
from tests.fake_gpu_hook import UUIDS
from tests.flows.test_benchmark import BENCHMARKS, logged
from tests.flows.test_serving import Service, deployments
from tests.image import BUILDING
from tests.prefect_server import ask, running, wait_until

pytestmark = BUILDING


def waiting_config(folder: Path, image: str, name: str = "config.yaml") -> Path:
    """Return a run that has GPU 0 and computes on the CPU, and whose only benchmark waits for ever."""
    evaluation = BENCHMARKS | {"tasks": "waiting", "device": "cpu:0"}
    return write_config(folder, name, runtime="docker", gpus=[0], container={"image": image}, evaluation=evaluation)


def waits(log_folder: Path) -> bool:
    return any("the benchmark waits" in path.read_text("utf-8") for path in log_folder.glob("*.log"))


@pytest.fixture
def serving(docker_host: Engine, gpu_image: str, prefect_api: str, tmp_path: Path) -> Iterator[Service]:
    """Provide a running ``benchy serve`` with the waiting run."""
    (tmp_path / "configs").mkdir()
    name = f"waits-{tmp_path.name}".replace("_", "-")
    waiting_config(tmp_path, gpu_image, f"configs/{name}.yaml")
    environment = {"PREFECT_API_URL": prefect_api, "DOCKER_HOST": docker_host.address}
    with running(benchy_command("serve", tmp_path / "configs"), environment=environment, cwd=REPOSITORY) as process:
        wait_until(lambda: process.poll() is not None or name in deployments(prefect_api), seconds=300)
        assert process.poll() is None
        yield Service(prefect_api, tmp_path, process.pid)


def started(serving: Service) -> str:
    (config,) = (serving.folder / "configs").iterdir()
    run_id = serving.start(f"benchy/{config.stem}")
    wait_until(lambda: waits(serving.folder / "logs"), seconds=300)
    return run_id


def test_a_cancelled_run_leaves_its_gpu_to_the_one_that_waits_for_it_and_ctrl_c_ends_that_one(
    serving: Service, docker_host: Engine, gpu_image: str, tmp_path: Path
) -> None:
    run_id = started(serving)
    (folder := tmp_path / "second").mkdir()
    second = start_benchy("run", waiting_config(folder, gpu_image), cwd=REPOSITORY, PREFECT_API_URL=serving.api)
    try:
        line = f"waiting for {UUIDS[0]}, which run {serving.record(run_id).run_name} has"
        wait_until(lambda: line in shown_in_prefect(serving.api, folder), seconds=300)
        assert len(docker_host.containers()) == 1
        serving.cancel(run_id)
        wait_until(lambda: waits(folder / "logs"), seconds=300)
        assert leased_gpus(docker_host.client) == {UUIDS[0]: only_record(folder).run_name}
        assert len(docker_host.containers()) == 1
        wait_until(lambda: serving.state(run_id) == "Cancelled", seconds=60)

        second.send_signal(signal.SIGINT)
        assert docker_host.is_empty_within(15)
        output, _ = second.communicate(timeout=300)
        assert second.returncode == 130, output
        assert line in output
    finally:
        second.kill()
        second.communicate()


def shown_in_prefect(api: str, folder: Path) -> str:
    """Return the log of the one run below a folder; nothing before there is one."""
    if not any((folder / "outputs").glob("*/record.json")):
        return ""
    name = only_record(folder).run_name
    found = ask(api, "flow_runs/filter", flow_runs={"name": {"any_": [name]}})
    return logged(api, found[0]["id"]) if found else ""


def test_a_run_whose_process_is_killed_leaves_no_container_and_its_service_says_crashed(
    serving: Service, docker_host: Engine
) -> None:
    run_id = started(serving)
    assert list(leased_gpus(docker_host.client)) == [UUIDS[0]]
    (flow,) = flow_processes(serving.pid)
    kill(flow)
    assert docker_host.is_empty_within(15)
    assert leased_gpus(docker_host.client) == {}
    wait_until(lambda: serving.state(run_id) == "Crashed", seconds=60)
    assert is_running(serving.pid)


def flow_processes(service: int) -> list[int]:
    """Return the processes in which a service runs flows."""
    children = Path(f"/proc/{service}/task/{service}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


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
