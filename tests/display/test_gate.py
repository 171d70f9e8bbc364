"""A gate's decision in each form, with no markup of others in it."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from benchy.display.gate import FORMATS, as_junit
from benchy.results.gate import Gate, Judged

GATE = Gate(
    "org/base",
    "org/new<b>\x1b[2J",
    (
        Judged("arc", "GO", "loses 0.0010"),
        Judged("boolq", "NO-GO", "loses 0.1 & more"),
        Judged("x", "INCONCLUSIVE", "?"),
    ),
)


def test_the_first_line_is_the_decision() -> None:
    lines = FORMATS["text"](GATE).splitlines()
    assert lines[0].startswith("❌ NO-GO: org/new<b>")
    assert lines[1:3] == ["   GO           arc: loses 0.0010", "   NO-GO        boolq: loses 0.1 & more"]


def test_a_table_for_a_pull_request() -> None:
    said = FORMATS["markdown"](GATE)
    assert said.startswith("### ❌ NO-GO: `org/new<b>")
    assert "| `boolq`" in said


def test_the_same_for_a_program() -> None:
    data = json.loads(FORMATS["json"](GATE))
    assert data["decision"] == "NO-GO"
    assert data["benchmarks"][0] == {"name": "arc", "decision": "GO", "reason": "loses 0.0010"}


def test_a_report_for_a_ci_system() -> None:
    suite = ElementTree.fromstring(as_junit(GATE))  # noqa: S314 - our own
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["3", "1", "1"]
    assert [[child.tag for child in case] for case in suite] == [[], ["failure"], ["error"]]


@pytest.mark.parametrize("form", [*FORMATS.values(), as_junit])
def test_no_name_moves_the_cursor(form: object) -> None:
    assert callable(form)
    assert "\x1b" not in form(GATE)
