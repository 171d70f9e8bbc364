"""A run whose Prefect server is lost, or cannot start, goes on to its end, and says so."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.commands import REPOSITORY, benchy, only_record, start_benchy, write_config
from tests.flows.test_benchmark import BENCHMARKS, IN_THE_FLOW, wait_for_waiting
from tests.kills.processes import MARK, Process, processes_of, send
from tests.prefect_server import wait_until


def waiting_run(folder: Path, **environment: str) -> subprocess.Popen[str]:
    """Return a run that waits in its evaluation for the file ``go``; its processes carry the folder's name."""
    config = write_config(folder, evaluation=BENCHMARKS | {"tasks": "waiting"})
    own = {"BENCHY_TEST_GO": str(folder / "go"), MARK: folder.name}
    running = start_benchy("run", config, cwd=REPOSITORY, **own | environment)
    wait_for_waiting(folder / "logs", running)
    return running


def embedded_server(folder: Path) -> Process:
    (server,) = [process for process in processes_of(folder.name) if b"embedded_server" in process.command]
    return server


def test_a_run_whose_embedded_server_is_killed_is_published(tmp_path: Path) -> None:
    """It was still there after 900 s, or published after 8 min 45 s and then called failed."""
    running = waiting_run(tmp_path)
    send(signal.SIGKILL, [embedded_server(tmp_path)])
    time.sleep(1)
    (tmp_path / "go").touch()
    output, _ = running.communicate(timeout=IN_THE_FLOW)
    assert running.returncode == 0, output
    assert "the run goes on without Prefect" in output
    assert "Traceback" not in output
    record = only_record(tmp_path)
    assert (record.status, record.error) == ("published", None)


def test_when_all_are_told_to_end_they_are_gone_and_what_is_left_is_resumed(tmp_path: Path) -> None:
    """As a job scheduler ends a job: to the server, the worker and the host at once. It hung."""
    running = waiting_run(tmp_path)
    send(signal.SIGTERM, processes_of(tmp_path.name))
    told = time.monotonic()
    output, _ = running.communicate(timeout=300)
    wait_until(lambda: not processes_of(tmp_path.name), seconds=10)
    assert time.monotonic() - told < 10
    assert running.returncode == 130, output
    assert only_record(tmp_path).status == "interrupted"

    (tmp_path / "go").touch()
    config = tmp_path / "config.yaml"
    resumed = benchy("run", config, "--resume", cwd=REPOSITORY, BENCHY_TEST_GO=str(tmp_path / "go"))
    assert resumed.returncode == 0, resumed.stderr
    assert "what the model answered already is not asked again" in resumed.stderr
    record = only_record(tmp_path)
    assert record.status == "published"
    assert record.evaluation is not None
    assert record.evaluation.resumed_requests == record.evaluation.requests


def test_a_damaged_database_is_put_aside_and_the_server_starts_on_a_new_one(tmp_path: Path) -> None:
    """ "The end of LOG may say why", and it never did."""
    home = tmp_path / "prefect"
    home.mkdir()
    damaged = b"no database" * 1000
    (home / "prefect.db").write_bytes(damaged)
    os.utime(home / "prefect.db", (0, 0))
    done = benchy("run", write_config(tmp_path), cwd=REPOSITORY, seconds=600, PREFECT_HOME=str(home))
    assert done.returncode == 0, done.stderr
    assert "file is not a database: its database is now" in done.stderr.replace("\n", " ")
    assert (home / "prefect.db").read_bytes().startswith(b"SQLite format 3")
    (aside,) = home.glob("prefect.db.unreadable-*")
    assert aside.read_bytes() == damaged


def test_a_server_that_cannot_start_gives_its_reason_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "home" / "prefect.db").mkdir(parents=True)
    done = benchy("run", write_config(tmp_path), cwd=REPOSITORY, PREFECT_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert "unable to open database file" in done.stderr
    assert "the run goes on without it" in done.stderr
    assert only_record(tmp_path).status == "published"
