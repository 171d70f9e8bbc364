"""`benchy ls`, `show` and `logs` on runs as they lie on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from benchy.cli.ls import STATES
from benchy.runs.folders import lock_of
from benchy.runs.listing import State
from tests.commands import assert_refused, benchy
from tests.records import make_record, make_run_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    outputs = tmp_path / "outputs"
    make_run_folder(outputs, make_record("org/alpha", {"arc": 0.5}, run_name="alpha", day=1))
    failed = make_record("org/beta", run_name="beta", day=2, status="failed")
    make_run_folder(outputs, failed.model_validate(dict(failed) | {"evaluation": None}))
    return tmp_path


def names(folder: Path, *options: str) -> list[str]:
    done = benchy("ls", "--json", *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    return [run["run"] for run in json.loads(done.stdout)]


def test_the_states_are_those_of_a_listed_run() -> None:
    assert get_args(State) == STATES


def test_each_run_has_a_line_with_what_it_scored(folder: Path) -> None:
    done = benchy("ls", cwd=folder)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[1] == ["status", "since", "scores", "run"]
    assert [(line[0], line[-1]) for line in lines[2:]] == [("failed", "beta"), ("cut", "alpha")]
    assert "arc 0.5000" in done.stdout


def test_runs_are_chosen_by_state_model_and_time(folder: Path) -> None:
    assert names(folder) == ["beta", "alpha"]
    assert names(folder, "--status", "failed") == ["beta"]
    assert names(folder, "--model", "ALPHA") == ["alpha"]
    assert names(folder, "--since", "1s") == []


def test_wrong_input_is_named_with_what_to_do(folder: Path) -> None:
    assert_refused(benchy("ls", "--since", "3x", cwd=folder), 2, "ConfigError", "write 30m, 5h or 2d")
    assert_refused(benchy("ls", "nowhere", cwd=folder), 2, "ConfigError", 'no folder "nowhere"')
    assert_refused(benchy("ls", "--status", "lost", cwd=folder), 2, "ConfigError", "'running', 'published'")


def test_a_record_that_cannot_be_read_is_said_and_the_others_are_listed(folder: Path) -> None:
    (folder / "outputs" / "broken").mkdir()
    (folder / "outputs" / "broken" / "record.json").write_text("[]")
    done = benchy("ls", cwd=folder)
    assert done.returncode == 0
    assert "outputs/broken: its record cannot be read" in done.stderr
    assert "alpha" in done.stdout


def test_an_open_run_is_running(folder: Path) -> None:
    with lock_of(folder / "outputs" / "alpha"):
        assert names(folder, "--status", "running") == ["alpha"]
