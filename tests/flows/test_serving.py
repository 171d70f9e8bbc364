"""``benchy serve``: each config is a deployment, run, overridden, retried and cancelled through Prefect."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchy.record import RunRecord, read_record
from tests.commands import NOBODY_LISTENS, REPOSITORY, benchy, benchy_command, is_running, worker_pids, write_config
from tests.flows.test_benchmark import BENCHMARKS
from tests.prefect_server import ask, prefect, running, wait_until


@dataclass(frozen=True)
class Service:
    api: str
    folder: Path
    pid: int

    def run(self, deployment: str, *arguments: str) -> tuple[int, str]:
        """``prefect deployment run``: its exit code and all that it says."""
        done = prefect("deployment", "run", deployment, *arguments, api=self.api)
        return done.returncode, done.stdout + done.stderr

    def start(self, deployment: str) -> str:
        """Without waiting; the flow run's id."""
        code, said = self.run(deployment)
        assert code == 0, said
        found = re.search(r"UUID: (\S+)", said)
        assert found, said
        return found[1]

    def state(self, flow_run_id: str) -> str:
        (found,) = ask(self.api, "flow_runs/filter", flow_runs={"id": {"any_": [flow_run_id]}})
        return str(found["state"]["name"])

    def host(self, flow_run_id: str) -> str:
        """On which it runs."""
        (found,) = ask(self.api, "flow_runs/filter", flow_runs={"id": {"any_": [flow_run_id]}})
        (tag,) = (tag for tag in found["tags"] if tag.startswith("host:"))
        return str(tag.removeprefix("host:"))

    def cancel(self, flow_run_id: str) -> None:
        """As the page's button does."""
        ask(self.api, f"flow_runs/{flow_run_id}/set_state", state={"type": "CANCELLING", "name": "Cancelling"})

    def record(self, flow_run_id: str) -> RunRecord:
        (folder,) = (self.folder / "outputs").glob(f"*_{flow_run_id[:8]}")
        return read_record(folder)

    def log(self, flow_run_id: str) -> str:
        for record in (self.folder / "outputs").glob(f"*_{flow_run_id[:8]}/record.json"):
            if (path := Path(read_record(record.parent).log_file)).exists():
                return path.read_text("utf-8")
        return ""


@pytest.fixture(scope="module")
def service(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Provide a running ``benchy serve`` with a few configs."""
    folder = tmp_path_factory.mktemp("service")
    configs = folder / "configs"
    configs.mkdir()
    for name, changes in CONFIGS.items():
        write_config(folder, f"configs/{name}.yaml", **changes)
    for name in ("a&b.yaml", "50%.yaml", "later.yml"):
        write_config(folder, f"configs/{name}")
    (configs / "dir.yaml").mkdir()
    (configs / ".#demo.yaml").symlink_to("ada@host.1234")  # an editor's lock
    (configs / "wrong.yaml").write_text("model: [", encoding="utf-8")
    environment = {"PREFECT_API_URL": prefect_api, "BENCHY_TEST_GO": str(folder / "go")}
    with running(benchy_command("serve", configs), environment=environment, cwd=REPOSITORY) as process:
        served = Service(prefect_api, folder, process.pid)
        wait_until(lambda: process.poll() is not None or deployments(prefect_api) >= set(CONFIGS), seconds=300)
        assert process.poll() is None
        yield served


CONFIGS: dict[str, dict[str, Any]] = {
    "demo": {},
    "failing": {"evaluation": BENCHMARKS | {"tasks": "failing"}},
    "waiting": {"evaluation": BENCHMARKS | {"tasks": "waiting"}},
}


def deployments(api: str) -> set[str]:
    return {found["name"] for found in ask(api, "deployments/filter")}


def test_each_config_is_a_deployment_named_by_its_stem(service: Service) -> None:
    """A folder, an editor's lock, a name that Prefect does not take, or one wrong file stopped all of it."""
    assert deployments(service.api) & {"demo", "failing", "waiting", "later", "a&b", "50%", "dir", "wrong"} == {
        "demo", "failing", "waiting", "later",
    }  # fmt: skip


def test_a_file_that_is_mended_is_served(service: Service) -> None:
    write_config(service.folder, "configs/wrong.yaml")
    wait_until(lambda: "wrong" in deployments(service.api), seconds=300)


def test_a_deployment_runs_to_its_end_and_takes_overrides(service: Service) -> None:
    code, said = service.run("benchy/demo", "--watch", "--param", "limit=3")
    assert code == 0, said
    (folder,) = (service.folder / "outputs").glob("TEST_*")
    record = read_record(folder)
    assert record.status == "published"
    assert record.is_test
    assert record.uploaded is not None
    assert record.uploaded.rank is None


def test_a_parameter_of_a_wrong_type_is_refused_before_a_run_exists(service: Service) -> None:
    code, said = service.run("benchy/demo", "--param", 'limit="many"')
    assert code != 0
    assert "limit" in said


@pytest.mark.parametrize(
    ("parameter", "said"),
    [('config="/etc/shadow"', '"/etc/shadow" is none of the configs'), ('tasks="/tmp/x.yaml"', "names of benchmarks")],
)
def test_a_run_reads_no_file_but_the_served_configs(service: Service, parameter: str, said: str) -> None:
    code, shown = service.run("benchy/demo", "--watch", "--param", parameter)
    assert code != 0, shown
    errors = {"level": {"ge_": logging.ERROR}}
    wait_until(lambda: said in str(ask(service.api, "logs/filter", logs=errors)), seconds=300)
    assert "root:" not in str(ask(service.api, "logs/filter", logs=errors)).replace("/root", "")


def test_a_run_that_fails_ends_the_watching_command_with_an_error(service: Service) -> None:
    code, said = service.run("benchy/failing", "--watch")
    assert code != 0, said


def test_a_refused_run_says_in_prefects_log_what_to_do(service: Service) -> None:
    code, said = service.run("benchy/demo", "--watch", "--param", "tasks=demo_animal")
    assert code != 0, said
    errors = {"level": {"ge_": logging.ERROR}}
    wait_until(lambda: "→ did you mean demo_animals?" in str(ask(service.api, "logs/filter", logs=errors)), seconds=300)


def test_cancelling_ends_the_worker_and_the_record_says_interrupted(service: Service) -> None:
    run_id = service.start("benchy/waiting")
    wait_until(lambda: "the benchmark waits" in service.log(run_id), seconds=300)
    (worker,) = worker_pids(service.pid)
    service.cancel(run_id)
    wait_until(lambda: service.state(run_id) == "Cancelled", seconds=60)
    assert not is_running(worker)
    assert service.record(run_id).status == "interrupted"


def test_two_hosts_share_a_server_and_each_run_is_of_one_of_them(service: Service) -> None:
    environment = {
        "PREFECT_API_URL": service.api,
        "BENCHY_TEST_GO": str(service.folder / "go"),
        "BENCHY_HOST": "second",
    }
    command = benchy_command("serve", service.folder / "configs")
    with running(command, environment=environment, cwd=REPOSITORY) as second:
        both = service.start("benchy/waiting"), service.start("benchy/waiting")  # each host runs one at a time
        wait_until(lambda: all("the benchmark waits" in service.log(run_id) for run_id in both), seconds=300)
        by_host = {service.host(run_id): run_id for run_id in both}
        assert set(by_host) == {socket.gethostname(), "second"}
        assert len(worker_pids(service.pid)) == len(worker_pids(second.pid)) == 1

        here, there = by_host[socket.gethostname()], by_host["second"]
        service.cancel(there)
        wait_until(lambda: service.state(there) == "Cancelled", seconds=60)
        assert service.state(here) == "Running"

    (service.folder / "go").touch()
    wait_until(lambda: service.state(here) == "Completed", seconds=300)
    retried = prefect("flow-run", "retry", there, api=service.api)
    assert retried.returncode == 0, retried.stdout + retried.stderr
    wait_until(lambda: service.state(there) == "Completed", seconds=300)
    assert service.host(there) == socket.gethostname()
    (service.folder / "go").unlink()
    assert service.record(here).status == service.record(there).status == "published"


def test_a_retried_run_repeats_only_what_failed(service: Service) -> None:
    run_id = service.start("benchy/waiting")
    wait_until(lambda: "the benchmark waits" in service.log(run_id), seconds=300)
    leaderboard = service.folder / "leaderboard"
    kept_away = leaderboard.rename(service.folder / "kept") if leaderboard.exists() else None
    leaderboard.write_text("a file in the way", encoding="utf-8")
    (service.folder / "go").touch()
    wait_until(lambda: service.state(run_id) == "Failed", seconds=300)
    failed = service.record(run_id)
    assert failed.error is not None
    assert failed.error.kind == "UploadFailed"

    leaderboard.unlink()
    if kept_away:
        kept_away.rename(leaderboard)
    retried = prefect("flow-run", "retry", run_id, api=service.api)
    assert retried.returncode == 0, retried.stdout + retried.stderr
    wait_until(lambda: service.state(run_id) == "Completed", seconds=300)
    record = service.record(run_id)
    assert record.status == "published"
    assert record.model_test == failed.model_test
    assert record.evaluation == failed.evaluation
    found = ask(service.api, "task_runs/filter", flow_runs={"id": {"any_": [run_id]}})
    states = {
        run["task_key"][: -len("-abcdefgh")]: run["state"]["name"] for run in found if run["flow_run_run_count"] > 1
    }
    assert states == {"model_test": "Cached", "evaluation": "Cached", "upload": "Completed"}
    assert service.log(run_id).count("the benchmark waits") == 1


@pytest.mark.parametrize(
    ("server", "code", "said"),
    [({}, 2, "no Prefect server is configured"), ({"PREFECT_API_URL": f"{NOBODY_LISTENS}/api"}, 11, "does not answer")],
)
def test_a_server_that_is_not_there_is_said_at_once(
    server: dict[str, str], code: int, said: str, tmp_path: Path
) -> None:
    write_config(tmp_path)
    done = benchy("serve", tmp_path, cwd=REPOSITORY, seconds=30, **server)
    assert done.returncode == code
    assert said in done.stderr
    assert "Serving" not in done.stdout


def test_a_sweep_ends_what_ran_on_this_host_alone(service: Service) -> None:
    (deployment,) = ask(service.api, "deployments/filter", deployments={"name": {"any_": ["failing"]}})
    hosts = (socket.gethostname(), "another-host")
    here, elsewhere = (
        ask(
            service.api,
            f"deployments/{deployment['id']}/create_flow_run",
            state={"type": "RUNNING"},
            tags=[f"host:{host}"],
        )["id"]
        for host in hosts
    )
    code = "from flows.containers import sweep; sweep(['failing'])"
    environment = os.environ | {"PREFECT_API_URL": service.api}
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env=environment, check=True)
    assert service.state(here) == "Crashed"
    assert service.state(elsewhere) == "Running"
