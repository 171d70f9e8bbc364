"""A suite through the real command: what can be run is run, what is done is not repeated, nothing is left behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import yaml

from benchy.errors import SuiteIncomplete
from benchy.runs.listing import ListedRun, list_runs
from tests.commands import DEMO, benchy, reach_demo, start_benchy, worker_pids


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a suite of two models, one of which is not there, on one benchmark."""
    reach_demo(tmp_path)
    suite = {
        "models": [{"name": str(DEMO / "model"), "dtype": "float32"}, {"name": "nothing/here"}],
        "benchmarks": [
            {"tasks": "demo_counting", "include_path": str(DEMO / "tasks"), "device": "cpu", "batch_size": 16}
        ],
        "upload": {"to": "leaderboard"},
    }
    (tmp_path / "night.yaml").write_text(yaml.safe_dump(suite))
    return tmp_path


def states(folder: Path) -> list[str]:
    return [run.state for run in list_runs(folder / "outputs") if isinstance(run, ListedRun)]


def test_a_wrong_cell_refuses_itself_and_what_is_done_is_not_repeated(folder: Path) -> None:
    checked = benchy("check", "night.yaml", cwd=folder, HF_HUB_OFFLINE="1")
    assert "2 cells: 0 done, 1 wrong, 1 to run" in checked.stdout
    assert checked.returncode != 0
    first = benchy("run", "night.yaml", cwd=folder, HF_HUB_OFFLINE="1")
    assert first.returncode == SuiteIncomplete.exit_code
    assert "1 of 2 cells are not there" in first.stderr
    assert "nothing/here on demo_counting: " in first.stderr
    row = next(line.split() for line in first.stdout.splitlines() if line.startswith(str(DEMO)))
    assert float(row[1]) > 0
    assert states(folder) == ["published"]
    again = benchy("run", "night.yaml", cwd=folder, HF_HUB_OFFLINE="1")
    assert "done before" in again.stderr
    assert states(folder) == ["published"]


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_suite_that_is_ended_leaves_no_process_and_goes_on(folder: Path, how: signal.Signals, code: int) -> None:
    with start_benchy("run", "night.yaml", cwd=folder, HF_HUB_OFFLINE="1") as started:
        while not (workers := worker_pids(started.pid)):
            assert started.poll() is None
            time.sleep(0.1)
        os.kill(started.pid, how)
        assert started.wait(timeout=60) == code
    until = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in workers) or "running" in states(folder):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert "published" not in states(folder)
    assert benchy("run", "night.yaml", cwd=folder, HF_HUB_OFFLINE="1").returncode == SuiteIncomplete.exit_code
    assert states(folder).count("published") == 1
