"""A suite is expanded into one config a cell, and what is wrong in it is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from benchy.config.suite import Suite, is_suite, load_either
from benchy.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    config = {"model": {"name": "replaced"}, "evaluation": {"tasks": "arc_easy"}, "logging": {"log_dir": "own"}}
    (tmp_path / "arc.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def suite(folder: Path, **settings: Any) -> Suite:
    (folder / "night.yaml").write_text(yaml.safe_dump({"models": ["org/a"], "benchmarks": ["arc.yaml"], **settings}))
    found = load_either(Path("night.yaml"))
    assert isinstance(found, Suite)
    return found


def test_each_model_meets_each_benchmark_config(folder: Path) -> None:
    sections = [{"tasks": ["boolq", "piqa"], "num_fewshot": 3}]
    found = suite(folder, models=["org/a", {"name": "org/b", "dtype": "bfloat16"}], benchmarks=["arc.yaml", *sections])
    assert found.name == "night"
    assert [(cell.model, cell.benchmark) for cell in found.cells] == [
        ("org/a", "arc"), ("org/a", "boolq,piqa"), ("org/b", "arc"), ("org/b", "boolq,piqa"),
    ]  # fmt: skip
    last = found.cells[-1].config
    assert (last.model.name, last.model.dtype) == ("org/b", "bfloat16")
    assert (last.evaluation.tasks, last.evaluation.num_fewshot) == (("boolq", "piqa"), 3)


def test_what_is_common_takes_the_place_of_a_configs_own_section(folder: Path) -> None:
    (cell,) = suite(folder, upload={"to": "board"}, logging={"log_dir": "common"}).cells
    assert cell.config.upload is not None
    assert (cell.config.upload.to, cell.config.logging.log_dir) == ("board", "common")
    assert suite(folder).cells[0].config.logging.log_dir == "own"


def test_a_pattern_stands_for_folders(folder: Path) -> None:
    for name in ("step-1", "step-2", "other"):
        (folder / "checkpoints" / name).mkdir(parents=True)
    (folder / "checkpoints" / "step-3").touch()
    found = suite(folder, models="checkpoints/step-*")
    assert [cell.config.model.name for cell in found.cells] == ["checkpoints/step-1", "checkpoints/step-2"]


def test_models_of_one_name_are_told_apart_by_what_else_they_say(folder: Path) -> None:
    found = suite(folder, models=["org/a", {"name": "org/a", "dtype": "float16"}])
    assert [cell.model for cell in found.cells] == ["org/a", "org/a (dtype=float16)"]
    with pytest.raises(ConfigError, match='models: "org/a" stands there twice'):
        suite(folder, models=["org/a", "org/a"])


def test_a_limit_is_that_of_every_cell(folder: Path) -> None:
    found = suite(folder, models=["org/a", "org/b"])
    assert {cell.config.evaluation.limit for cell in found.with_limit(5).cells} == {5}
    assert found.with_limit(None) == found


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": {"name": "x"}}, 'unknown key "model"'),
        ({"models": []}, r"models is \[\]; expected a list"),
        ({"models": [5]}, r"models is \[5\]; expected a list"),
        ({"benchmarks": None}, "benchmarks is None; expected a list"),
        ({"models": "nowhere/step-*"}, 'no folder matches "nowhere/step-\\*"'),
        ({"benchmarks": ["nothing.yaml"]}, "nothing.yaml: cannot be read"),
        ({"benchmarks": ["night.yaml"]}, "night.yaml is no config of a run"),
        ({"models": [{"name": "org/a", "dtyp": "x"}]}, 'night.yaml, org/a on arc: unknown key "model.dtyp"'),
        ({"benchmarks": [{"num_fewshot": 3}]}, 'missing key "evaluation.tasks"'),
        ({"upload": {"too": "x"}}, 'unknown key "upload.too"'),
    ],
)
def test_what_is_wrong_is_named(folder: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        suite(folder, **settings)


@pytest.mark.parametrize(
    ("settings", "told"), [({"models": []}, True), ({"benchmarks": []}, True), ({"model": {}}, False), ([], False)]
)
def test_a_suite_is_told_from_a_config(settings: object, told: bool) -> None:
    assert is_suite(settings) is told
