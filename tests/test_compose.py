"""``docker compose up`` on a real engine: all that a GPU host needs, and a run through its deployment."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from flows.embedded_server import free_port
from tests.commands import REPOSITORY
from tests.debian import NotInstallable, install_programs
from tests.engine import Engine
from tests.image import BUILDING
from tests.prefect_server import ask, prefect, wait_until

COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
FILES = ("--file", str(COMPOSE_FILE), "--file", str(REPOSITORY / "tests" / "compose" / "ci.yml"))
SERVICES = {"postgres", "server", "benchy"}


@dataclass(frozen=True)
class Stack:
    """A project of Compose."""

    engine: Engine
    port: int

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def compose(self, *arguments: str) -> str:
        """Run Compose; its output."""
        environment = os.environ | {
            "DOCKER_HOST": self.engine.address,
            "DOCKER_SOCKET": self.engine.address.removeprefix("unix://"),
            "PREFECT_PORT": str(self.port),
        }
        command = [*compose_command(), "--project-name", "benchy-test", *FILES, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def health(self) -> dict[str, str]:
        """Of each service that runs on."""
        running = self.engine.client.containers.list(ignore_removed=True)
        states: dict[str, dict[str, Any]] = {
            container.labels["com.docker.compose.service"]: container.attrs["State"] for container in running
        }
        return {name: state["Health"]["Status"] for name, state in states.items()}

    def up(self) -> None:
        """Start it, and wait until all is well."""
        self.compose("up", "--detach", "--no-build")
        wait_until(lambda: self.health() == dict.fromkeys(SERVICES, "healthy"), seconds=150)


def compose_command() -> list[str]:
    """Compose of this machine: the plugin of the command ``docker``, or else the program."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if plugin.returncode == 0:
        return ["docker", "compose"]
    try:
        install_programs(["docker-compose"], ["docker-compose"])
    except NotInstallable as reason:
        pytest.skip(f"no Compose: {reason}")
    return ["docker-compose"]


@pytest.fixture(scope="module")
def stack(engine: Engine, orchestrator_image: str, gpu_image: str, postgres_image: str) -> Iterator[Stack]:
    """All of docker-compose.yml, with nothing left from before."""
    assert orchestrator_image
    assert gpu_image
    assert postgres_image
    started = Stack(engine, free_port())
    try:
        started.up()
        yield started
    finally:
        started.compose("down", "--volumes", "--timeout", "5")


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


@BUILDING
def test_a_deployment_runs_to_its_end_and_outlives_down_and_up(stack: Stack) -> None:
    done = prefect("deployment", "run", "benchy/demo", "--watch", api=stack.api, seconds=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (ran,) = ask(stack.api, "flow_runs/filter")
    tasks = ask(stack.api, "task_runs/filter", sort="EXPECTED_START_TIME_ASC")
    assert [task["name"].rpartition("-")[0] for task in tasks] == ["model_test", "evaluation", "upload"]
    assert {task["state"]["name"] for task in tasks} == {"Completed"}

    stack.compose("down")
    stack.up()
    (after,) = ask(stack.api, "flow_runs/filter")
    assert (after["id"], after["name"], after["state"]) == (ran["id"], ran["name"], ran["state"])
    kept = stack.compose("exec", "-T", "benchy", "sh", "-c", "cat outputs/*/record.json; ls leaderboard")
    assert '"status": "published"' in kept
    assert "leaderboard.html" in kept
