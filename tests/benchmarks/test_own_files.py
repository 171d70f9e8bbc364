"""A file, a pattern of files, a folder: each stands for the benchmarks that `lm_eval run` finds in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from lm_eval.config.evaluate_config import EvaluatorConfig

from benchy.benchmarks.files import find_files, load_task
from benchy.benchmarks.own_files import own_files
from benchy.errors import ConfigError, TaskNotFound
from tests.commands import benchy, write_config

NAMES = ("green", "red one")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two benchmarks, a third one as JSON, and a group of the first two."""
    own = tmp_path / "own files"
    (own / "deeper").mkdir(parents=True)
    (own / "data.jsonl").write_text('{"question": "What?"}\n')
    for name in NAMES:
        (own / f"{name}.yaml").write_text(yaml.safe_dump(task(name, own)))
    (own / "blue.json").write_text(json.dumps(task("blue", own)))
    (own / "deeper" / "group.yaml").write_text(yaml.safe_dump({"group": "colors", "task": list(NAMES)}))
    return own


def task(name: str, folder: Path) -> dict[str, Any]:
    return {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / "data.jsonl")}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{question}}",
        "doc_to_choice": ["yes", "no"],
        "doc_to_target": 0,
    }


@pytest.mark.parametrize("pattern", ["own files", "own*/[gr]*.yaml"])
def test_as_lm_eval_reads_them(folder: Path, monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    monkeypatch.chdir(folder.parent)
    asked = EvaluatorConfig(tasks=[pattern])
    asked.process_tasks()
    found = [str(load_task(path)["task"]) for path in find_files((pattern,), ()) or ()]
    assert found == sorted(each["task"] for each in asked.tasks if isinstance(each, dict))
    assert found


def test_a_json_file_and_a_groups_file(folder: Path) -> None:
    group = str(folder / "deeper" / "group.yaml")
    files = find_files((str(folder / "blue.json"), group), (str(folder),))
    assert files == [str(folder / name) for name in ("blue.json", "green.yaml", "red one.yaml")]


def test_the_command_takes_them(folder: Path) -> None:
    """`--build` prints each benchmark that was built, in a worker of its own."""
    config = write_config(folder.parent, evaluation={"tasks": ["own*/*.json", "own files"], "include_path": []})
    done = benchy("check", config, "--build", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in (*NAMES, "blue"))


def test_an_empty_folder_stands_for_nothing(tmp_path: Path) -> None:
    config = write_config(tmp_path, evaluation={"tasks": str(tmp_path / "nothing")})
    (tmp_path / "nothing").mkdir()
    done = benchy("check", config, cwd=tmp_path)
    assert done.returncode == TaskNotFound.exit_code
    assert f'lm-eval knows no task "{tmp_path}/nothing"' in done.stderr


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    for number in range(2_001):
        (tmp_path / f"{number}.yaml").touch()
    with pytest.raises(ConfigError, match="stands for more than 2,000 files"):
        own_files(str(tmp_path))
