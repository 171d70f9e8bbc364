"""`benchy check` and `benchy run` tell a suite from a config, and what of it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.commands import DEMO, assert_refused, benchy, reach_demo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    reach_demo(tmp_path)
    own = {"tasks": "demo_counting", "include_path": str(DEMO / "tasks"), "device": "cpu"}
    suite = {"models": [str(DEMO / "model"), "nothing/here"], "benchmarks": [own]}
    (tmp_path / "night.yaml").write_text(yaml.safe_dump(suite))
    return tmp_path


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("options", [("--tasks", "arc"), ("--model", "m"), ("--gpus", "0")])
def test_an_option_that_is_for_one_config_is_refused(folder: Path, command: str, options: tuple[str, str]) -> None:
    refused = benchy(command, "night.yaml", *options, cwd=folder)
    assert_refused(refused, 2, "ConfigError", f"night.yaml is a suite, for which {options[0]} is not", "edit the file")


def test_the_plan_names_every_cell_and_the_error_of_the_first_wrong_one(folder: Path) -> None:
    done = benchy("check", "night.yaml", "--limit", 5, cwd=folder, HF_HUB_OFFLINE="1")
    assert [line.split()[0] for line in done.stdout.splitlines()[2:4]] == ["▶", "✗"]
    assert "2 cells: 0 done, 1 wrong, 1 to run" in done.stdout
    assert done.returncode not in {0, 1}
    assert done.stderr.startswith("❌ ")


def test_a_suite_of_nothing_is_refused(folder: Path) -> None:
    (folder / "night.yaml").write_text("models: []\nbenchmarks: []\n")
    assert_refused(benchy("run", "night.yaml", cwd=folder), 2, "ConfigError", "models is []; expected a list")
