"""Shows a gate's decision: for a terminal, a pull request, another program, and a CI system."""

from __future__ import annotations

import json
from collections.abc import Callable
from xml.etree import ElementTree

from benchy.plain_text import plain_line
from benchy.results.gate import Gate

MARKS = {"GO": "✅", "NO-GO": "❌", "INCONCLUSIVE": "❔"}


def _as_text(gate: Gate) -> str:
    head = f"{MARKS[gate.decision]} {gate.decision}: {plain_line(gate.candidate)} in place of {plain_line(gate.base)}"
    lines = [f"   {one.decision:<12} {plain_line(one.name)}: {plain_line(one.reason)}" for one in gate.benchmarks]
    return "\n".join([head, *lines])


def _as_markdown(gate: Gate) -> str:
    from tabulate import tabulate

    rows = [
        {
            "benchmark": f"`{plain_line(one.name)}`",
            "decision": f"{MARKS[one.decision]} {one.decision}",
            "why": one.reason,
        }
        for one in gate.benchmarks
    ]
    models = f"`{plain_line(gate.candidate)}` in place of `{plain_line(gate.base)}`"
    head = f"### {MARKS[gate.decision]} {gate.decision}: {models}"
    return f"{head}\n\n{tabulate(rows, headers='keys', tablefmt='github', disable_numparse=True)}"


def _as_json(gate: Gate) -> str:
    benchmarks = [{"name": one.name, "decision": one.decision, "reason": one.reason} for one in gate.benchmarks]
    data = {"decision": gate.decision, "base": gate.base, "candidate": gate.candidate, "benchmarks": benchmarks}
    return json.dumps(data, indent=2)


def as_junit(gate: Gate) -> str:
    """Return a JUnit report: a case for each benchmark; NO-GO is a failure, INCONCLUSIVE an error."""
    count = {kind: str(sum(one.decision == kind for one in gate.benchmarks)) for kind in MARKS}
    suite = ElementTree.Element(
        "testsuite", name="benchy gate", tests=str(len(gate.benchmarks)), failures=count["NO-GO"],
        errors=count["INCONCLUSIVE"],
    )  # fmt: skip
    for one in gate.benchmarks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=plain_line(gate.candidate), name=plain_line(one.name)
        )
        if one.decision != "GO":
            kind = "failure" if one.decision == "NO-GO" else "error"
            ElementTree.SubElement(case, kind, message=plain_line(one.reason), type=one.decision)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


FORMATS: dict[str, Callable[[Gate], str]] = {"text": _as_text, "markdown": _as_markdown, "json": _as_json}
"""By the name that ``--format`` takes."""
