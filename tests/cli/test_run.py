"""`benchy run` refuses what is wrong before it makes a folder or starts a worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import assert_refused, benchy, write_config


def test_its_help_names_every_option(tmp_path: Path) -> None:
    done = benchy("run", "--help", cwd=tmp_path)
    assert done.returncode == 0
    for part in ("CONFIG", "--model", "--gpus", "--tasks", "--limit", "--resume"):
        assert part in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument 'CONFIG'"),
        (["nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["config.yaml", "--limit", "-1"], 'with the options given: "evaluation.limit" is -1'),
        (["config.yaml", "--gpus", "0,0"], '"gpus" names the same GPU twice'),
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    write_config(tmp_path)
    assert_refused(benchy("run", *arguments, cwd=tmp_path), 2, "ConfigError", said)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
