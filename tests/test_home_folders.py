"""A home folder is put in the place of its sign, and what is nobody's is no failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.home_folders import with_home
from tests.commands import assert_refused, benchy


def test_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert with_home("~/runs") == Path("/home/ada/runs")
    assert with_home("a/~/b") == Path("a/~/b")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "~nobody-here/a", "b"], '"~nobody-here/a" is no run'),
        (["verify", "~nobody-here/a"], "~nobody-here/a"),
        (["verify", "s3://bucket"], '"s3://bucket" is neither a folder nor hf://datasets/ORG/NAME'),
        (["verify", "hf://datasets/x"], "is neither a folder nor"),
        (["show", "~nobody-here/a"], 'no run "~nobody-here/a"'),
    ],
)
def test_what_is_nobodys_is_a_wrong_name_and_no_bug(tmp_path: Path, arguments: list[str], said: str) -> None:
    """It was "unexpected RuntimeError", as of a bug."""
    assert_refused(benchy(*arguments, cwd=tmp_path), 2, "ConfigError", said)


def test_in_the_variable_of_the_workers_python(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("model: {name: x}\nevaluation: {tasks: arc_easy, device: cpu}\n")
    done = benchy("check", "config.yaml", cwd=tmp_path, BENCHY_WORKER_PYTHON="~nobody-here/python", HF_HUB_OFFLINE="1")
    assert done.returncode == 2
    assert "unexpected" not in done.stderr
    assert "~nobody-here/python" in done.stderr
