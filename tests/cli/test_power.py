"""`benchy power` says how many questions are needed, or why it cannot know."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.cli.power import power
from benchy.errors import ConfigError
from tests.commands import assert_refused, benchy
from tests.results.runs import write_run


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what the command prints, in this process: its imports take a second."""
    power.main(list(arguments), standalone_mode=False)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["--difference", "0.3", "--discordance", "0.1"],
            "scores cannot differ by 0.3 where 0.1 of the documents flip",
        ),
        (["--difference", "0.1"], "how often documents flip is not known"),
        (["one", "--difference", "0.1"], "how often documents flip is not known"),
        (["one", "two", "--difference", "0.1", "--discordance", "0.2"], "how often documents flip is not known"),
        (["one", "two", "--difference", "0.1"], '"one" is no run that can be found here'),
    ],
)
def test_what_cannot_be_known_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as refused:
        power.main(arguments, standalone_mode=False)
    assert refused.value.message == why
    assert refused.value.hint


@pytest.mark.parametrize("arguments", [[], ["--difference", "0"], ["--difference", "0.1"]])
def test_the_command_refuses_in_one_message(tmp_path: Path, arguments: list[str]) -> None:
    done = benchy("power", *arguments, cwd=tmp_path)
    assert_refused(done, 2, "ConfigError", "how often" if "0.1" in arguments else "'--difference'")


def test_a_share_of_flips_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "--difference", "0.02", "--discordance", "0.1")
    assert text == "a benchmark: 2,043 questions show a difference of 0.02 in 80% of comparisons (10.0% flip)\n"
    assert "in 95% of" in said(capsys, "--difference", "0.02", "--discordance", "0.1", "--power", "0.95")


def test_two_runs_say_how_often_documents_flip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "a", {"arc": [1.0, 0.0] * 50})
    write_run(tmp_path / "b", {"arc": [1.0, 0.0] * 45 + [0.0, 1.0] * 5})
    text = said(capsys, str(tmp_path / "a"), str(tmp_path / "b"), "--difference", "0.05")
    assert text.startswith("arc: ")
    assert text.endswith("(10.0% flip), 100 are there\n")


def test_runs_without_a_benchmark_in_common_say_nothing(tmp_path: Path) -> None:
    write_run(tmp_path / "a", {"arc": [1.0, 0.0]})
    write_run(tmp_path / "b", {"piqa": [1.0, 0.0]})
    with pytest.raises(ConfigError, match="no benchmark of these runs can be compared"):
        power.main([str(tmp_path / "a"), str(tmp_path / "b"), "--difference", "0.05"], standalone_mode=False)
