"""A record that says something else than lm-eval's own file is found out, number by number."""

from __future__ import annotations

from typing import Any

import pytest

from benchy.record import EvaluationResult
from benchy.results.agreement import find_contradictions, read_results
from tests.records import benchmark, group, make_evaluation, make_results, metric


@pytest.fixture
def evaluation() -> EvaluationResult:
    members = (benchmark("a", metric(0.5)), benchmark("b", metric(None, stderr=None)))
    return make_evaluation(members, (group("both", metric(0.25), members=("a", "b")),))


def found(evaluation: EvaluationResult, **changes: Any) -> list[str]:
    """Return what contradicts lm-eval's file with some of its rows changed (``a__acc`` is a score of a)."""
    results = make_results(evaluation)
    for place, value in changes.items():
        table, name, key = place.split("__")
        results.setdefault(table, {}).setdefault(name, {})[key] = value
    return list(find_contradictions(evaluation, results))


def test_a_record_of_the_same_numbers_has_none(evaluation: EvaluationResult) -> None:
    assert found(evaluation) == []


def test_each_other_number_is_told_with_both(evaluation: EvaluationResult) -> None:
    assert found(evaluation, **{"results__a__acc,none": 0.9}) == [
        "a: acc,none is 0.5 in the record, 0.9 in lm-eval's results file"
    ]
    assert found(evaluation, **{"results__a__acc_stderr,none": "N/A"}) == [
        "a: acc_stderr,none is 0.01 in the record, N/A in lm-eval's results file"
    ]
    assert found(evaluation, **{"groups__both__acc,none": 1.0})[0].startswith("both: acc,none is 0.25")
    assert found(evaluation, **{"n-samples__a__effective": 7}) == [
        "a: 1,000 documents in the record, 7 in lm-eval's results file"
    ]


@pytest.mark.parametrize("value", ["N/A", None, float("nan"), float("inf"), True, [], 10**400])
def test_what_is_no_number_is_the_absence_of_one(evaluation: EvaluationResult, value: object) -> None:
    assert found(evaluation, **{"results__b__acc,none": value}) == []


def test_a_benchmark_that_the_record_keeps_silent_about_is_named(evaluation: EvaluationResult) -> None:
    assert found(evaluation, configs__hidden__task="hidden") == ["hidden is not in the record"]


def test_another_version_is_told(evaluation: EvaluationResult) -> None:
    results = make_results(evaluation) | {"versions": {"a": 2.0}}
    assert list(find_contradictions(evaluation, results)) == [
        "a: version 1.0 in the record, 2.0 in lm-eval's results file"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"[]", "no JSON object"), pytest.param(b"[" * 99_999, "deep", id="deep"), (b"{", "Expecting")],
)
def test_what_is_no_results_file(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_results(content)
