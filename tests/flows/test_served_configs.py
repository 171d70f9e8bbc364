"""A run that was asked for through Prefect's API reads the served configs, and no other file, however it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.errors import ConfigError
from flows.served_configs import SERVED_CONFIGS, require_served


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "own").mkdir()
    for name in ("configs/a.yaml", "own/task.yaml", "task.json"):
        (tmp_path / name).touch()
    monkeypatch.setenv(SERVED_CONFIGS, str(tmp_path / "configs"))
    return tmp_path / "configs" / "a.yaml"


@pytest.mark.parametrize("tasks", [None, "", "arc_easy", "arc_easy, mmlu_*", ["arc_easy", "gsm8k"]])
def test_names_and_patterns_of_benchmarks_are_taken(served: Path, tasks: str | list[str] | None) -> None:
    require_served(str(served), tasks)


@pytest.mark.parametrize(
    "tasks",
    [
        "/etc/x.yaml",
        "x.yml",
        "task.json",
        "arc_easy,own/*.yaml",
        "own",
        "own/task.yaml",
        ["arc", "~/x/task"],
        "/etc",
        "*.json",
    ],
)
def test_no_file_folder_or_pattern_of_files_is(served: Path, tasks: str | list[str]) -> None:
    """A benchmark's template is a program: a JSON file of one ran as the service's user."""
    with pytest.raises(ConfigError, match="is a file, and this service takes names of benchmarks"):
        require_served(str(served), tasks)


@pytest.mark.parametrize("config", ["/etc/shadow", "configs/../own/task.yaml", "own/task.yaml", "configs/a.json"])
def test_another_config_is_refused(served: Path, config: str) -> None:
    with pytest.raises(ConfigError, match="none of the configs"):
        require_served(str(served.parents[1] / config), None)


def test_outside_of_a_service_everything_is_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SERVED_CONFIGS, raising=False)
    require_served("/anywhere/a.yaml", "own/task.yaml")
