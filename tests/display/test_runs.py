"""A person reads how a run is in one line, and what it scored; a program the same as data."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from benchy.display.runs import as_json, run_lines, run_rows, scores_in_short, since
from benchy.errors import ErrorData
from benchy.record import now
from benchy.runs.listing import ListedRun
from tests.records import benchmark, group, make_record, metric

FOLDER = Path("outputs/run")


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "0s"), (59, "59s"), (61, "1m"), (3599, "59m"), (7200, "2h"), (86_400 * 30, "30d")]
)
def test_since(seconds: int, said: str) -> None:
    assert since(now() - timedelta(seconds=seconds)) == said


def test_a_group_stands_for_its_members_and_of_many_the_first_are_named() -> None:
    members = tuple(benchmark(name, metric(0.5)) for name in "ab")
    assert scores_in_short(make_record(benchmarks=members, groups=(group("both", metric(0.25), members=("a", "b")),)))
    five = make_record(scores=dict.fromkeys("abcde", 0.1))
    assert scores_in_short(five) == "a 0.1000, b 0.1000, c 0.1000 and 2 more"


def test_a_run_without_scores_names_its_benchmarks() -> None:
    record = make_record(scores={"arc": 0.1, "boolq": 0.2}, evaluation=None)
    unscored = ListedRun(FOLDER, record.model_validate(dict(record) | {"evaluation": None}), is_open=True)
    (row,) = run_rows([unscored])
    assert (row["status"], row["scores"]) == ("running", "arc, boolq")


def test_what_ended_a_run_is_told_with_its_remedy_and_without_control_signs() -> None:
    error = ErrorData(kind="ModelNotFound", message="no \x1b[2J model", hint="look at the name", transient=False)
    record = make_record("org/\x1b[2J", run_name="run\x1b[2J", status="failed", error=error)
    lines = list(run_lines(ListedRun(FOLDER, record, is_open=False)))
    assert lines[0].endswith(": failed")
    assert "   Took: 0:05:00" in lines
    assert lines[-1] == "   → look at the name"
    assert "ModelNotFound: no " in lines[-2]
    assert "\x1b" not in "".join(lines)


def test_the_same_as_data() -> None:
    data = as_json(ListedRun(FOLDER, make_record("org/alpha", {"arc": 0.5}, run_name="run"), is_open=False))
    assert data["model"] == "org/alpha"
    assert data["scores"] == {"arc": {"metric": "acc", "filter": "none", "value": 0.5, "stderr": 0.01}}
    assert data["error"] is None
