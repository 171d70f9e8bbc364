"""Runs are listed as they are now, the last first, and found by a part of their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchy.errors import ConfigError
from benchy.record import RECORD_FILE
from benchy.runs.folders import lock_of
from benchy.runs.listing import ListedRun, Unreadable, find_run, list_runs
from tests.records import make_record, make_run_folder


def listed(outputs: Path) -> dict[str, str]:
    return {run.record.run_name: run.state for run in list_runs(outputs) if isinstance(run, ListedRun)}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"status": "started", "evaluation": None}, "cut short"),
        ({"status": "tested", "evaluation": None}, "cut short"),
        ({"status": "evaluated"}, "cut short"),  # its config names a leaderboard, where it is not
        ({"status": "failed", "evaluation": None}, "failed"),
        ({"status": "interrupted", "evaluation": None}, "interrupted"),
    ],
)
def test_a_run_whose_process_is_gone(tmp_path: Path, changes: dict[str, Any], state: str) -> None:
    make_run_folder(tmp_path, make_record(run_name="run", **changes))
    assert listed(tmp_path) == {"run": state}


def test_a_run_that_goes_on(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, make_record(run_name="run", status="tested", evaluation=None))
    with lock_of(folder):
        assert listed(tmp_path) == {"run": "running"}
    assert listed(tmp_path) == {"run": "cut short"}


def test_the_last_comes_first_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    for day in (1, 3, 2):
        make_run_folder(tmp_path, make_record(run_name=f"run-{day}", day=day))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / RECORD_FILE).write_text("{")
    (tmp_path / "no run").mkdir()
    broken, *runs = list_runs(tmp_path)
    assert isinstance(broken, Unreadable)
    assert broken.folder == tmp_path / "broken"
    assert [run.folder.name for run in runs] == ["run-3", "run-2", "run-1"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'no folder ".*nowhere"'):
        list(list_runs(tmp_path / "nowhere"))


def test_a_run_is_found_by_folder_by_name_and_by_a_part_of_it(tmp_path: Path) -> None:
    for name in ("TEST_alpha", "alpha", "beta_1", "beta_2"):
        make_run_folder(tmp_path, make_record(run_name=name))
    assert find_run(str(tmp_path / "beta_1"), Path("elsewhere")).folder == tmp_path / "beta_1"
    assert find_run("alpha", tmp_path).folder.name == "alpha"  # though another name holds it too
    assert find_run("TEST", tmp_path).folder.name == "TEST_alpha"
    with pytest.raises(ConfigError, match='"beta" may be beta_1, beta_2'):
        find_run("beta", tmp_path)


def test_a_run_that_is_not_there_offers_the_nearest(tmp_path: Path) -> None:
    make_run_folder(tmp_path, make_record(run_name="alpha_1"))
    with pytest.raises(ConfigError, match='no run "alhpa_1" in') as caught:
        find_run("alhpa_1", tmp_path)
    assert caught.value.hint == "did you mean alpha_1?"
