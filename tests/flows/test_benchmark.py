"""The flow on a real Prefect server: what a person sees there, retries, cancelling, and what a retry repeats."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from benchy.record import read_record
from tests.commands import REPOSITORY, benchy, is_running, kill, only_record, start_benchy, worker_pids, write_config
from tests.prefect_server import PrefectServer, ask, wait_until

BENCHMARKS = {"include_path": [str(REPOSITORY / "tests" / "benchmarks")]}
IN_THE_FLOW = 120.0


def flow_run(api: str, name: str) -> dict[str, Any]:
    (found,) = ask(api, "flow_runs/filter", flow_runs={"name": {"any_": [name]}})
    return dict(found)


def task_runs(api: str, flow_run_id: str) -> dict[str, dict[str, Any]]:
    found = ask(api, "task_runs/filter", flow_runs={"id": {"any_": [flow_run_id]}})
    return {re.sub(r"-\w+$", "", run["name"]): run for run in found}


def logged(api: str, flow_run_id: str) -> str:
    found = ask(api, "logs/filter", logs={"flow_run_id": {"any_": [flow_run_id]}}, sort="TIMESTAMP_ASC")
    return "\n".join(line["message"] for line in found)


def wait_for_waiting(log_folder: Path, process: subprocess.Popen[str], times: int = 1) -> None:
    """Until the benchmark `waiting` said that it waits."""

    def said() -> bool:
        assert process.poll() is None, process.communicate()[0]
        return sum(path.read_text("utf-8").count("the benchmark waits") for path in log_folder.glob("*.log")) >= times

    wait_until(said, seconds=IN_THE_FLOW)


@pytest.fixture(scope="module")
def finished(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the demo was run with a server."""
    folder = tmp_path_factory.mktemp("finished")
    done = benchy("run", write_config(folder), cwd=REPOSITORY, PREFECT_API_URL=prefect_api)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_server_shows_three_task_runs_with_their_times(prefect_api: str, finished: Path) -> None:
    record = only_record(finished)
    run = flow_run(prefect_api, record.run_name)
    assert run["state"]["type"] == "COMPLETED"
    assert run["id"] == record.flow_run_id
    wait_until(lambda: len(task_runs(prefect_api, run["id"])) == 3, seconds=300)
    steps = task_runs(prefect_api, run["id"])
    assert set(steps) == {"model_test", "evaluation", "upload"}
    for step in steps.values():
        assert step["state"]["type"] == "COMPLETED"
        assert step["total_run_time"] > 0


def test_each_step_leaves_an_artifact(prefect_api: str, finished: Path) -> None:
    run = flow_run(prefect_api, only_record(finished).run_name)
    found = ask(prefect_api, "artifacts/filter", flow_runs={"id": {"any_": [run["id"]]}})
    by_key = {artifact["key"]: artifact for artifact in found}
    assert {"model-test", "scores", "seconds", "leaderboard", "evaluation-progress"} <= set(by_key)
    assert "Parameters" in by_key["model-test"]["data"]
    assert "acc" in by_key["scores"]["data"]
    assert "leaderboard.html" in by_key["leaderboard"]["data"]
    assert by_key["evaluation-progress"]["data"] == 100.0
    assert "demo_animals: 400/400 requests" in by_key["evaluation-progress"]["description"]


def test_the_logs_tell_what_happened(prefect_api: str, finished: Path) -> None:
    run = flow_run(prefect_api, only_record(finished).run_name)
    wait_until(lambda: "Model test successful" in logged(prefect_api, run["id"]), seconds=300)


def test_a_killed_worker_is_replaced_and_the_evaluation_repeated(prefect_api: str, tmp_path: Path) -> None:
    config = write_config(tmp_path, evaluation=BENCHMARKS | {"tasks": "waiting"})
    go = tmp_path / "go"
    running = start_benchy("run", config, cwd=REPOSITORY, PREFECT_API_URL=prefect_api, BENCHY_TEST_GO=str(go))
    wait_for_waiting(tmp_path / "logs", running)
    (worker,) = worker_pids(running.pid)
    kill(worker)
    wait_for_waiting(tmp_path / "logs", running, times=2)
    go.touch()
    output, _ = running.communicate(timeout=IN_THE_FLOW)
    assert running.returncode == 0, output
    assert "the worker was killed (signal 9); trying again" in output
    record = only_record(tmp_path)
    assert record.status == "published"
    assert record.error is None
    steps = task_runs(prefect_api, flow_run(prefect_api, record.run_name)["id"])
    assert steps["evaluation"]["run_count"] == 2
    assert steps["model_test"]["run_count"] == 1


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_ends_its_worker_and_says_interrupted(tmp_path: Path, stop: signal.Signals) -> None:
    config = write_config(tmp_path, evaluation=BENCHMARKS | {"tasks": "waiting"})
    running = start_benchy("run", config, cwd=REPOSITORY, BENCHY_TEST_GO=str(tmp_path / "never"))
    wait_for_waiting(tmp_path / "logs", running)
    (worker,) = worker_pids(running.pid)
    os.killpg(running.pid, stop)  # as a terminal sends it: to all that the command started in its group
    wait_until(lambda: not is_running(worker), seconds=15)
    output, _ = running.communicate(timeout=300)
    assert running.returncode == 130, output
    assert "Traceback" not in output
    assert "❌ Interrupted" in output
    record = only_record(tmp_path)
    assert record.status == "interrupted"
    assert record.error is not None
    assert record.error.kind == "Interrupted"


def test_a_host_that_is_killed_leaves_no_worker_and_a_readable_record(tmp_path: Path) -> None:
    config = write_config(tmp_path, evaluation=BENCHMARKS | {"tasks": "waiting"})
    running = start_benchy("run", config, cwd=REPOSITORY, BENCHY_TEST_GO=str(tmp_path / "never"))
    wait_for_waiting(tmp_path / "logs", running)
    (worker,) = worker_pids(running.pid)
    kill(running.pid)
    running.communicate(timeout=300)
    wait_until(lambda: not is_running(worker), seconds=15)
    assert only_record(tmp_path).status == "tested"


def test_a_server_that_is_away_harms_no_evaluation_and_cancelling_it_later_is_heard(
    prefect_server: PrefectServer, tmp_path: Path
) -> None:
    """Away for longer than Prefect's client tries again: 2 s here, else minutes. And no service listens."""
    config = write_config(tmp_path, evaluation=BENCHMARKS | {"tasks": "waiting"})
    environment = {"PREFECT_API_URL": prefect_server.api, "PREFECT_CLIENT_MAX_RETRIES": "1"}
    running = start_benchy("run", config, cwd=REPOSITORY, **environment)
    wait_for_waiting(tmp_path / "logs", running)
    run = flow_run(prefect_server.api, only_record(tmp_path).run_name)
    wait_until(lambda: evaluation_progress(prefect_server.api, run["id"]), seconds=300)
    (worker,) = worker_pids(running.pid)
    with prefect_server.away():
        time.sleep(5)
    shown_before = evaluation_progress(prefect_server.api, run["id"])
    wait_until(lambda: evaluation_progress(prefect_server.api, run["id"]) != shown_before, seconds=300)
    assert is_running(worker)

    ask(prefect_server.api, f"flow_runs/{run['id']}/set_state", state={"type": "CANCELLING", "name": "Cancelling"})
    output, _ = running.communicate(timeout=300)
    assert running.returncode == 130, output
    assert "the run was cancelled in Prefect" in output
    assert flow_run(prefect_server.api, run["name"])["state"]["name"] == "Cancelled"
    assert only_record(tmp_path).status == "interrupted"
    assert not is_running(worker)


def evaluation_progress(api: str, flow_run_id: str) -> list[str]:
    """Return what Prefect's page says of it."""
    found = ask(api, "artifacts/filter", flow_runs={"id": {"any_": [flow_run_id]}})
    return [artifact["description"] for artifact in found if artifact["key"] == "evaluation-progress"]


def test_ten_thousand_lines_are_all_in_the_file_and_a_sample_in_prefect(prefect_api: str, tmp_path: Path) -> None:
    config = write_config(tmp_path, evaluation=BENCHMARKS | {"tasks": "talkative"})
    done = benchy("run", config, cwd=REPOSITORY, PREFECT_API_URL=prefect_api)
    assert done.returncode == 0, done.stderr
    (log_file,) = (tmp_path / "logs").iterdir()
    numbered = [line for line in log_file.read_text("utf-8").splitlines() if line.startswith("line ")]
    assert numbered == [f"line {number}" for number in range(10_000)]
    run = flow_run(prefect_api, only_record(tmp_path).run_name)
    wait_until(lambda: "lines left out here" in logged(prefect_api, run["id"]), seconds=300)


def test_a_server_that_is_away_is_named(tmp_path: Path) -> None:
    done = benchy("run", write_config(tmp_path), cwd=REPOSITORY, PREFECT_API_URL="http://127.0.0.1:9/api")
    assert done.returncode == 11, done.stderr
    assert "http://127.0.0.1:9/api" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_a_profile_names_is_not_called_a_variable(tmp_path: Path) -> None:
    """It said "unset PREFECT_API_URL" where there was no such variable."""
    (tmp_path / "profiles.toml").write_text(
        'active = "away"\n[profiles.away]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n', encoding="utf-8"
    )
    done = benchy("run", write_config(tmp_path), cwd=REPOSITORY, PREFECT_HOME=str(tmp_path))
    assert done.returncode == 11, done.stderr
    assert "http://127.0.0.1:9/api" in done.stderr
    assert "prefect config unset PREFECT_API_URL" in done.stderr


def test_a_second_run_gives_the_same_scores(finished: Path, tmp_path: Path) -> None:
    done = benchy("run", write_config(tmp_path), cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    first, second = only_record(finished).evaluation, only_record(tmp_path).evaluation
    assert first is not None
    assert second is not None
    assert [b.metrics for b in first.benchmarks + first.groups] == [
        b.metrics for b in second.benchmarks + second.groups
    ]


def test_the_record_is_whole(finished: Path) -> None:
    (folder,) = (finished / "outputs").iterdir()
    record = read_record(folder)
    assert record.status == "published"
    assert not record.is_test
    assert record.model is not None
    assert record.model.content_hash
    assert record.environment is not None
    assert {"torch", "transformers", "lm_eval", "benchy"} <= set(record.environment.packages)
    assert record.evaluation is not None
    assert (folder / record.evaluation.results_file).is_file()
    for benchmark in record.evaluation.benchmarks:
        assert benchmark.samples_file is not None
        assert (folder / benchmark.samples_file).is_file()
        assert all(metric.stderr is not None for metric in benchmark.metrics)
    missing = [name for name, seconds in record.seconds.model_dump().items() if seconds is None]
    assert missing == []
