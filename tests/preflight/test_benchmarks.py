"""What a container cannot see of a benchmark is named before one is started."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.commands import DEMO, benchy, write_config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Write a config for containers, of a benchmark whose data and parent lie elsewhere."""
    for folder in ("tasks", "data", "parents"):
        (tmp_path / folder).mkdir()
    (tmp_path / "data" / "own.jsonl").write_text(json.dumps({"q": "What?", "c": ["a", "b"]}) + "\n")
    files = {"data_files": {"test": str(tmp_path / "data" / "*.jsonl")}}
    parent = {"dataset_path": "json", "dataset_kwargs": files, "test_split": "test", "output_type": "multiple_choice"}
    texts = {"doc_to_text": "{{q}}", "doc_to_choice": "{{c}}", "doc_to_target": 0}
    (tmp_path / "parents" / "parent.yaml").write_text(yaml.safe_dump(parent | texts))
    (tmp_path / "tasks" / "own.yaml").write_text(
        "task: own\ninclude: ../parents/parent.yaml\nprocess_results: !function code.score\n"
    )
    return write_config(
        tmp_path,
        model={"name": str(DEMO / "model")},
        evaluation={"tasks": "own", "include_path": str(tmp_path / "tasks"), "device": "cpu"},
        runtime="docker",
    )


def test_a_parent_and_data_elsewhere_are_named(config: Path, tmp_path: Path) -> None:
    done = benchy("check", config, cwd=tmp_path)
    assert done.returncode == 2
    assert f"own reads {tmp_path / 'parents' / 'parent.yaml'}, which the worker's container does not see" in done.stderr
    assert "set container.volumes" in done.stderr


def test_what_is_mounted_is_seen_and_so_is_all_without_a_container(config: Path, tmp_path: Path) -> None:
    settings = yaml.safe_load(config.read_text())
    folders = [f"{tmp_path / name}:{tmp_path / name}:ro" for name in ("parents", "data")]
    config.write_text(yaml.safe_dump(settings | {"container": {"volumes": folders[:1]}}))
    done = benchy("check", config, cwd=tmp_path)
    assert f"own reads {tmp_path / 'data'}, which the worker's container does not see" in done.stderr
    config.write_text(yaml.safe_dump(settings | {"container": {"volumes": folders}}))
    assert benchy("check", config, cwd=tmp_path).returncode == 0
    config.write_text(yaml.safe_dump(settings | {"runtime": "process"}))
    assert benchy("check", config, cwd=tmp_path).returncode == 0
