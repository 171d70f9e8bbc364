"""`benchy logs` prints a run's log, and follows one that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.runs.folders import lock_of
from tests.commands import assert_refused, benchy, start_benchy
from tests.records import make_record, make_run_folder

LOG = "benchy_run.log"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_run_folder(tmp_path / "outputs", make_record(run_name="run"))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / LOG).write_text("first\nno cursor\x1b[2J\n")
    return tmp_path


def test_it_is_printed_without_control_signs(folder: Path) -> None:
    done = benchy("logs", "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "first"
    assert "\x1b" not in done.stdout


def test_it_is_followed_until_the_run_ends(folder: Path) -> None:
    with lock_of(folder / "outputs" / "run") as running, start_benchy("logs", "run", "-f", cwd=folder) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "first\n"
        assert following.stdout.readline().startswith("no cursor")
        with (folder / "logs" / LOG).open("a") as log:
            log.write("later\n")
        assert following.stdout.readline() == "later\n"
        running.release()
        assert following.stdout.read() == ""
    assert following.returncode == 0


def test_a_log_that_is_gone_is_named(folder: Path) -> None:
    (folder / "logs" / LOG).unlink()
    assert_refused(benchy("logs", "run", cwd=folder), 2, "ConfigError", LOG, "where the run was started")
