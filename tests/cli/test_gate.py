"""`benchy gate` ends with the code of its decision, in every form, and names what it cannot read or write."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchy.cli.gate import gate
from benchy.errors import ConfigError
from tests.commands import assert_refused, benchy
from tests.results.runs import write_run

WORSE = [1.0] * 40 + [0.0] * 160


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a model, one that is as good, one that is worse, and policies in the current folder."""
    monkeypatch.chdir(tmp_path)
    good = [1.0] * 180 + [0.0] * 20
    for name, row in (("base", good), ("same", good), ("worse", WORSE)):
        write_run(tmp_path / name, {"arc": row})
    (tmp_path / "gate.yaml").write_text("benchmarks: {arc: {max_drop: 0.05}}\n", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("benchmarks: {piqa: {max_drop: 0.05}}\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("candidate", "policy", "code", "decision", "tag"),
    [
        ("same", "gate.yaml", 0, "GO", None),
        ("worse", "gate.yaml", 20, "NO-GO", "failure"),
        ("same", "other.yaml", 21, "INCONCLUSIVE", "error"),
    ],
)
def test_the_code_is_the_decision(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    candidate: str,
    policy: str,
    code: int,
    decision: str,
    tag: str | None,
) -> None:
    arguments = ["base", candidate, "--policy", policy, "--format", "json", "--junit", "report.xml"]
    assert gate.main(arguments, standalone_mode=False) == code
    said = json.loads(capsys.readouterr().out)
    assert (said["decision"], said["base"], said["candidate"]) == (decision, "base", candidate)
    (case,) = ElementTree.parse(folder / "report.xml").iter("testcase")  # noqa: S314 - our own
    assert [child.tag for child in case] == ([tag] if tag else [])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["base", "same", "--policy", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["base", "nowhere", "--policy", "gate.yaml"], '"nowhere" is no run that can be found here'),
        (["base", "same", "--policy", "gate.yaml", "--junit", "no/report.xml"], "no/report.xml cannot be written: "),
    ],
)
def test_what_cannot_be_read_or_written_is_refused(arguments: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        gate.main(arguments, standalone_mode=False)
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize(
    ("form", "begins"),
    [("text", "✅ GO: same in place of base\n"), ("markdown", "### ✅ GO: `same` in place of `base`\n")],
)
@pytest.mark.usefixtures("folder")
def test_each_form_begins_with_the_decision(capsys: pytest.CaptureFixture[str], form: str, begins: str) -> None:
    gate.main(["base", "same", "--policy", "gate.yaml", "--format", form], standalone_mode=False)
    assert capsys.readouterr().out.startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["base", "same"], "'--policy'"), (["base", "same", "--policy", "no.yaml"], "no.yaml: cannot be read")],
)
def test_the_command_refuses_in_one_message(folder: Path, arguments: list[str], said: str) -> None:
    assert_refused(benchy("gate", *arguments, cwd=folder), 2, "ConfigError", said)
