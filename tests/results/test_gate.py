"""GO, NO-GO or INCONCLUSIVE: each by the rule that the policy says, and never GO where something is missing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchy.results.compare import compare
from benchy.results.gate import Gate, Policy, judge
from benchy.results.scored_run import ScoredRun, read_run
from tests.results.runs import write_run


def policy(**drops: float) -> Policy:
    return Policy.model_validate({"benchmarks": {name: {"max_drop": drop} for name, drop in drops.items()}})


def judged(first: ScoredRun, second: ScoredRun, rule: Policy) -> Gate:
    return judge(compare(first, second), first, second, rule)


def run(folder: Path, right: int, wrong: int, **more: object) -> ScoredRun:
    return read_run(write_run(folder, {"own": [1.0] * right + [0.0] * wrong}, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("right", "drop", "decision"),
    [(80, 0.05, "GO"), (80, 0.001, "INCONCLUSIVE"), (76, 0.05, "INCONCLUSIVE"), (50, 0.05, "NO-GO"), (90, 0.05, "GO")],
)
def test_by_what_is_lost(tmp_path: Path, right: int, drop: float, decision: str) -> None:
    found = judged(run(tmp_path / "a", 80, 20), run(tmp_path / "b", right, 100 - right), policy(own=drop))
    assert found.decision == decision, found
    assert (f"a loss of {drop:g} is allowed" in found.benchmarks[0].reason) is True


def test_less_is_better_for_an_error_rate(tmp_path: Path) -> None:
    first, second = (
        run(tmp_path / name, right, 100 - right, metric="wer", more_is_better=False)
        for name, right in (("a", 20), ("b", 70))
    )
    assert judged(first, second, policy(own=0.05)).decision == "NO-GO"
    assert judged(second, first, policy(own=0.05)).decision == "GO"


def test_what_is_missing_or_was_not_asked_the_same_is_never_go(tmp_path: Path) -> None:
    first = run(tmp_path / "a", 80, 20)
    missing = judged(first, first, policy(own=0.05, other=0.05))
    assert (missing.decision, missing.benchmarks[1].decision) == ("INCONCLUSIVE", "INCONCLUSIVE")
    changed = run(tmp_path / "b", 80, 20, settings={"doc_to_text": "Well"})
    found = judged(first, changed, policy(own=0.05))
    assert found.decision == "INCONCLUSIVE"
    assert "doc_to_text" in found.benchmarks[0].reason


@pytest.mark.parametrize(("cut", "decision"), [(1, "GO"), (2, "INCONCLUSIVE")])
@pytest.mark.parametrize("name", ["one", "both"])
def test_cut_answers_of_a_benchmark_or_of_a_groups_members_count(
    tmp_path: Path, name: str, cut: int, decision: str
) -> None:
    answers = [1.0] * 80 + [0.0] * 20
    whole = read_run(
        write_run(tmp_path / "a", {"one": answers, "two": answers}, groups={"both": (["one", "two"], 0.8)})
    )
    parts = {"one": replace(whole.benchmarks["one"], cut=cut), "two": replace(whole.benchmarks["two"], cut=0)}
    rule = Policy.model_validate({"benchmarks": {name: {"max_drop": 0.05, "max_truncated": 1}}})
    found = judged(whole, replace(whole, benchmarks=parts), rule)
    assert found.decision == decision, found
    assert ("2 answers were cut, 1 are allowed" in found.benchmarks[0].reason) is (decision == "INCONCLUSIVE")


def test_a_test_run_is_never_go(tmp_path: Path) -> None:
    first = run(tmp_path / "a", 80, 20, total=1000)
    found = judged(first, first, policy(own=0.05))
    assert found.decision == "INCONCLUSIVE"
    assert found.benchmarks[0].reason.startswith("a test run (evaluation.limit)")


def test_a_candidate_that_loses_more_than_is_allowed_passes_as_seldom_as_promised(tmp_path: Path) -> None:
    """It loses just what is allowed, the worst case: 0.1 of 0.7."""
    generator, tries, passed = np.random.default_rng(23), 300, 0
    for index in range(tries):
        base = (generator.random(300) < 0.7).astype(float)
        candidate = np.where((base == 1) & (generator.random(300) < 1 / 7), 0.0, base)
        runs = [
            read_run(write_run(tmp_path / f"{index}{name}", {"own": row.tolist()}))
            for name, row in (("a", base), ("b", candidate))
        ]
        passed += judged(runs[0], runs[1], policy(own=0.1)).decision == "GO"
    assert passed / tries <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / tries)


@pytest.mark.parametrize(
    "wrong", [{}, {"benchmarks": {}}, {"benchmarks": {"a": {"max_drop": -1.0}}}, {"benchmarks": {"a": {}}}]
)
def test_a_wrong_policy_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Policy.model_validate(wrong)
