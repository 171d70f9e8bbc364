"""A verdict follows from the adjusted p-values alone, and a loss is counted whichever way a score counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchy.results.comparison import Comparison, allowed_loss, p_same
from benchy.results.paired_tests import paired_mean

BETTER = np.array([1.0] * 30 + [0.0] * 70)


def comparison(differences: np.ndarray[tuple[int], np.dtype[np.float64]] = BETTER, **changes: Any) -> Comparison:
    mean = paired_mean(differences, None)
    made = Comparison(
        name="own",
        metric="acc",
        documents=len(differences),
        first=0.5,
        second=0.5 + mean.mean,
        difference=mean,
        test="paired t",
        p_value=mean.p_value(),
        p_adjusted=mean.p_value(),
        p_same=None,
        more_is_better=True,
        won=(),
        lost=(),
        clusters=None,
        bootstrap=None,
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "better"),
        ({"more_is_better": False}, "worse"),
        ({"p_adjusted": 0.06}, "cannot tell"),  # whatever the p-value of this benchmark alone
        ({"p_adjusted": 0.06, "p_same": 0.01}, "same"),
        ({"p_adjusted": 0.06, "p_same": 0.06}, "cannot tell"),
        ({"p_adjusted": 0.01, "p_same": 0.01}, "better"),
    ],
)
def test_the_verdict(changes: dict[str, Any], verdict: str) -> None:
    assert comparison(**changes).verdict == verdict


def test_no_difference_at_all_is_never_better_or_worse() -> None:
    assert comparison(np.zeros(10), p_adjusted=0.0).verdict == "cannot tell"


def test_more_questions_would_tell_a_small_difference_and_none_tells_nothing() -> None:
    small = comparison(np.array([1.0] * 6 + [-1.0] * 4 + [0.0] * 90))
    assert small.more_needed is not None
    assert small.more_needed > 1_000
    assert comparison().more_needed == 0
    assert comparison(np.array([1.0, -1.0] * 5)).more_needed is None


def test_the_smallest_difference_shrinks_with_the_root_of_the_documents() -> None:
    few, many = comparison(), comparison(np.tile(BETTER, 4))
    assert few.smallest / many.smallest == pytest.approx(2, rel=0.01)


def test_a_loss_is_what_the_second_has_less_or_more_of_an_error_rate() -> None:
    assert allowed_loss(comparison()).mean == pytest.approx(-0.3)
    assert allowed_loss(comparison(more_is_better=False)).mean == pytest.approx(0.3)
    loss = allowed_loss(comparison(more_is_better=False))
    assert loss.p_of_at_most(0.1) < 0.001
    assert loss.p_of_at_least(0.1) > 0.999


def test_few_documents_without_a_difference_prove_no_sameness() -> None:
    """None of ten differs: Student's error is zero, and one in a hundred may well differ."""
    assert p_same(paired_mean(np.zeros(10), None), 0.01) > 0.5
    assert p_same(paired_mean(np.zeros(1000), None), 0.01) < 0.001
