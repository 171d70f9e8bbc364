"""`benchy init`: a config that the check takes, from options or from answers at a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

from benchy.config import load_config
from tests.commands import DEMO, assert_refused, benchy, benchy_command


def test_a_config_is_written_that_the_check_takes(tmp_path: Path) -> None:
    made = benchy("init", "--model", "org/Name-7B", "--tasks", "arc_easy, piqa", "--device", "cpu", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    path = tmp_path / "configs" / "name-7b.yaml"
    assert "Written: configs/name-7b.yaml" in made.stdout
    config = load_config(path)
    assert (config.model.name, config.evaluation.tasks) == ("org/Name-7B", ("arc_easy", "piqa"))
    assert (config.evaluation.device, config.evaluation.batch_size) == ("cpu", 16)
    assert (path.parent / "benchy.schema.json").is_file()
    again = benchy("init", "--model", "org/Name-7B", "--tasks", "x", "--device", "cpu", cwd=tmp_path)
    assert_refused(again, 2, "ConfigError", "configs/name-7b.yaml is there already", "benchy init FILE")
    assert load_config(path) == config


def test_what_was_written_runs(tmp_path: Path) -> None:
    tasks = DEMO / "tasks" / "demo_animals.yaml"
    made = benchy("init", "own.yaml", "--model", DEMO / "model", "--tasks", tasks, "--device", "cpu", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    checked = benchy("check", "own.yaml", cwd=DEMO.parent.parent, PWD=str(tmp_path))
    assert_refused(checked, 2, "ConfigError", "own.yaml")  # it is not in that folder
    checked = benchy("check", tmp_path / "own.yaml", cwd=DEMO.parent.parent)
    assert checked.returncode == 0, checked.stderr


def test_without_a_terminal_what_is_missing_is_named(tmp_path: Path) -> None:
    assert_refused(benchy("init", cwd=tmp_path), 2, "ConfigError", "--model is missing", "--tasks")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "configs").write_text("a file")
    made = benchy("init", "--model", "a/b", "--tasks", "x", "--device", "cpu", cwd=tmp_path)
    assert_refused(made, 2, "ConfigError", "cannot be written")


def test_at_a_terminal_it_asks_for_what_is_missing(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = benchy_command("init", "asked.yaml", "--device", "cpu")
    with subprocess.Popen(command, cwd=tmp_path, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs) as asking:
        os.close(theirs)
        os.write(ours, b"org/asked\n\n")
        assert asking.wait(timeout=120) == 0
    os.close(ours)
    config = load_config(tmp_path / "asked.yaml")
    assert (config.model.name, config.evaluation.tasks) == ("org/asked", ("arc_easy",))
