"""A run is done as long as nothing changed that decides its scores."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchy.config import BenchmarkConfig, parse_config
from benchy.record import Facts, RunRecord
from benchy.runs.done import find_done
from tests.records import make_environment, make_record, make_run_folder

TASK = {"task": "own", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": "own.jsonl"}}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a model, a benchmark, and a published run of them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    for name, text in {"model/config.json": "{}", "own.jsonl": "{}", "own.yaml": yaml.safe_dump(TASK)}.items():
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (0, 0))
    make_run_folder(tmp_path / "outputs", record())
    return tmp_path


def config(**evaluation: Any) -> BenchmarkConfig:
    settings = {
        "model": {"name": "model"},
        "evaluation": {"tasks": "own", "include_path": ".", "device": "cpu", **evaluation},
        "upload": {"to": "leaderboard"},
    }
    return parse_config(settings, source="test")


def record(**changes: Any) -> RunRecord:
    packages = {"lm_eval": importlib.metadata.version("lm_eval")}
    environment = make_environment().model_copy(update={"packages": packages})
    made = make_record("model", {"own": 0.5}, run_name="run", status="published", environment=environment)
    return made.model_validate(dict(made) | {"config": config()} | changes)


def test_a_run_of_the_same_is_found(folder: Path) -> None:
    done = find_done(config(), Facts())
    assert done is not None
    assert done.folder == folder.joinpath("outputs", "run").relative_to(folder)


def test_how_it_is_computed_does_not_matter(folder: Path) -> None:  # noqa: ARG001 - it lies there
    assert find_done(config(batch_size=32), Facts()) is not None


@pytest.mark.parametrize("name", ["own.jsonl", "own.yaml", "model/config.json"])
def test_a_file_that_was_changed_since_makes_it_another(folder: Path, name: str) -> None:
    os.utime(folder / name)
    assert find_done(config(), Facts()) is None


def test_another_config_or_commit_is_another(folder: Path) -> None:  # noqa: ARG001
    assert find_done(config(num_fewshot=3), Facts()) is None
    assert find_done(config(limit=5), Facts()) is None
    assert find_done(config(), Facts(commit="abc")) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "evaluated"},  # and not on its leaderboard yet
        {"status": "failed", "evaluation": None},
        {"environment": make_environment().model_copy(update={"packages": {"lm_eval": "0.1"}})},
    ],
)
def test_a_run_that_is_not_whole_or_of_another_lm_eval_is_none(folder: Path, changes: dict[str, Any]) -> None:
    make_run_folder(folder / "others", record(**changes))
    assert find_done(config(output_path="others"), Facts()) is None


def test_where_there_are_no_runs_none_is_done(folder: Path) -> None:  # noqa: ARG001
    assert find_done(config(output_path="nowhere"), Facts()) is None
