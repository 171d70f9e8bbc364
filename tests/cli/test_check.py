"""`benchy check` refuses what is wrong in one message, says what would be run, and starts nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.commands import REPOSITORY, assert_refused, benchy, benchy_command, write_config


def test_its_help_names_every_option(tmp_path: Path) -> None:
    done = benchy("check", "--help", cwd=tmp_path)
    assert done.returncode == 0
    for part in ("CONFIG", "--model", "--gpus", "--tasks", "--limit", "--gpu-memory", "--build"):
        assert part in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument 'CONFIG'"),
        (["nowhere"], "nowhere: cannot be read: No such file or directory"),
        (["own", "--limit", "0"], 'with the options given: "evaluation.limit" is 0'),
        (["own", "--gpu-memory", "much"], '"much" is no amount of memory'),
        (["wrong"], 'configs/wrong.yaml: line 3: unknown key "evaluation.batchsize"'),
    ],
)
def test_what_is_wrong_is_refused_also_of_a_file_that_is_named_without_its_folder(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "configs").mkdir()
    write_config(tmp_path / "configs", "own.yaml")
    write_config(tmp_path / "configs", "wrong.yaml", evaluation={"batchsize": 1})
    assert_refused(benchy("check", *arguments, cwd=tmp_path), 2, "ConfigError", said)
    assert [path.name for path in tmp_path.iterdir()] == ["configs"]


def test_a_config_may_come_through_a_pipe(tmp_path: Path) -> None:
    """It is read once: what tells a suite from a config reads no second time."""
    text = write_config(tmp_path).read_text(encoding="utf-8")
    done = subprocess.run(
        benchy_command("check", "/dev/stdin"), input=text, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "✅ /dev/stdin: " in done.stdout
