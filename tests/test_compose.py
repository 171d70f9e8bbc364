"""The docs' way from a bare GPU host to the first run, typed as it stands there, on a real engine with fake GPUs.

What a user has and this machine has not: GPUs with NVIDIA's toolkit (tests/fake_gpu_hook.py), and a registry
(tests/image.py).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from benchy.record import RunRecord, read_record
from flows.embedded_server import free_port
from tests.commands import REPOSITORY, copy_repository
from tests.debian import NotInstallable, install_programs, unpack_newer
from tests.engine import Engine
from tests.fake_gpu_hook import UUIDS
from tests.image import BUILDING
from tests.prefect_server import ask, wait_until

COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
SERVICES = {"postgres", "server", "benchy"}


def documented_commands() -> list[str]:
    """Return what to type on a GPU server, in order, without the comments."""
    page = (REPOSITORY / "docs" / "gpu-server.md").read_text("utf-8")
    return re.findall(r"^\$ (.*?)(?:  +# .*)?$", page.split("```")[1], re.MULTILINE)


@dataclass(frozen=True)
class Host:
    """A GPU host, and the folder into which Benchy was cloned."""

    engine: Engine
    folder: Path
    port: int

    def type(self, command: str, *, exit_code: int = 0) -> str:
        """Run what somebody types in a terminal; what they then see."""
        done = subprocess.run(
            ["script", "--quiet", "--return", "--command", command, "/dev/null"],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr + self.logs()
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "DOCKER_HOST": self.engine.address,
            "DOCKER_CONFIG": str(self.folder.parent / "docker"),
            "DOCKER_BUILDKIT": "0",  # the images were built without it, so that their layers are found again
            "DOCKER_SOCKET": self.engine.address.removeprefix("unix://"),
            "PREFECT_PORT": str(self.port),
        }

    def logs(self) -> str:
        """Return the end of what the service of runs said; with the reason of a failure."""
        command = ["docker", "compose", "logs", "--tail", "60", "benchy"]
        return subprocess.run(
            command, cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False
        ).stdout

    @property
    def api(self) -> str:
        """Prefect's."""
        return f"http://127.0.0.1:{self.port}/api"

    def ask(self, path: str) -> Any:
        """POST to Prefect's API, with the password that ``.env`` got."""
        found = re.search(r"^PREFECT_SERVER_API_AUTH_STRING=(admin:[0-9a-f-]{36})$", self.settings, re.MULTILINE)
        assert found, self.settings
        return ask(self.api, path, password=found[1])

    @property
    def settings(self) -> str:
        """What ``.env`` says."""
        return (self.folder / ".env").read_text("utf-8")

    def records(self) -> list[RunRecord]:
        """Of all runs, the oldest first."""
        self.type("docker compose cp benchy:/app/outputs .")
        return sorted(map(read_record, (self.folder / "outputs").iterdir()), key=lambda record: record.started_at)


@pytest.fixture(scope="module")
def host(
    engine: Engine,
    orchestrator_image: str,
    gpu_image: str,
    postgres_image: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Host]:
    """Provide a clone, Compose, and an engine without Benchy's images.

    It keeps the layers, so that a build takes seconds.
    """
    assert postgres_image
    folder = tmp_path_factory.mktemp("host")
    _install_compose(folder)
    kept = {image: f"kept-{image.partition(':')[0]}" for image in (orchestrator_image, gpu_image)}
    for image, name in kept.items():
        engine.client.images.get(image).tag("benchy-tests", tag=name)
        engine.client.images.remove(image)
    copy_repository(folder / "benchy")
    cloned = Host(engine, folder / "benchy", free_port())
    try:
        yield cloned
    finally:
        cloned.type("docker compose down --volumes --timeout 5")
        for image, name in kept.items():
            engine.client.images.get(f"benchy-tests:{name}").tag(image)


def _install_compose(folder: Path) -> None:
    """Install the plugin of the command ``docker``: Debian 12 itself has only ``docker-compose`` 1.29."""
    try:
        unpack_newer(["docker-compose"], folder / "newer")
    except NotInstallable as reason:
        pytest.skip(f"no Compose: {reason}")
    plugins = folder / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    shutil.move(folder / "newer" / "usr/libexec/docker/cli-plugins/docker-compose", plugins)


def test_the_example_of_settings_names_each_one() -> None:
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", (REPOSITORY / ".env.example").read_text("utf-8"), re.MULTILINE))
    text = COMPOSE_FILE.read_text("utf-8")
    passed_on = {
        name
        for service in yaml.safe_load(text)["services"].values()
        for name, value in service.get("environment", {}).items()
        if value is None
    }
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) | passed_on == named


def test_only_the_service_has_the_engine_and_no_port_leaves_this_machine() -> None:
    services = yaml.safe_load(COMPOSE_FILE.read_text("utf-8"))["services"]
    assert [name for name, service in services.items() if "docker.sock" in str(service)] == ["benchy"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("${PREFECT_ADDRESS:-127.0.0.1}:") for port in ports)


def test_the_file_is_valid_for_the_last_compose_of_the_first_generation() -> None:
    try:
        install_programs(["docker-compose"], ["docker-compose"])
    except NotInstallable as reason:
        pytest.skip(f"no Compose 1.29: {reason}")
    command = ["docker-compose", "--file", str(COMPOSE_FILE), "config", "--quiet"]
    without = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (without.returncode, "make .env first, as docs/gpu-server.md says" in without.stderr) == (1, True), (
        without.stderr
    )
    environment = os.environ | {"PREFECT_SERVER_API_AUTH_STRING": "admin:x"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@BUILDING
def test_the_way_from_a_bare_host_to_the_first_run_is_as_the_docs_say(host: Host) -> None:
    look, settings, up, status, first_run, on_gpu, on_two_gpus = documented_commands()
    for number, uuid in enumerate(UUIDS):
        assert f"GPU {number}: Fake GPU (UUID: {uuid})" in host.type(look)
    host.type(settings)
    host.type(up)
    wait_until(lambda: healthy(host.type(status)) == SERVICES, seconds=300)
    host.type(first_run)
    tasks = sorted(host.ask("task_runs/filter"), key=lambda task: str(task["expected_start_time"]))
    assert [task["name"].rpartition("-")[0] for task in tasks] == ["model_test", "evaluation", "upload"]
    assert {task["state"]["name"] for task in tasks} == {"Completed"}
    (ran,) = host.ask("flow_runs/filter")
    with pytest.raises(httpx.HTTPStatusError, match="401"):  # a web page, or another program
        ask(host.api, "flow_runs/filter")

    host.type("docker compose down")
    host.type(up)
    wait_until(lambda: healthy(host.type(status)) == SERVICES, seconds=300)
    (after,) = host.ask("flow_runs/filter")
    assert (after["id"], after["name"], after["state"]) == (ran["id"], ran["name"], ran["state"])
    host.type("docker compose cp benchy:/app/leaderboard .")
    assert (host.folder / "leaderboard" / "leaderboard.html").is_file()

    host.type(on_gpu, exit_code=1)  # in its container, torch finds that the GPU is none
    first, second = host.records()
    assert first.status == "published"
    assert second.error is not None
    assert second.error.kind == "GpuNotFound"
    assert "finds no CUDA device" in second.error.message
    assert on_two_gpus == first_run.replace("demo", "model-test")  # needs the Hub, so it is not typed here


def healthy(status: str) -> set[str]:
    """Return the services of which ``docker compose ps`` says that all is well."""
    return {line.split()[0].split("-")[-2] for line in status.splitlines() if "(healthy)" in line}
