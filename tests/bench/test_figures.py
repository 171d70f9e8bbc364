"""Figures say whether a goal was met, by the median of the pairs."""

from __future__ import annotations

import pytest

from bench.figures import Figure, Goal, Spread, cells, paired, skipped


def test_the_ratio_is_the_median_of_the_pairs_own_ratios() -> None:
    figure = paired("run", "s", ours=[1.0, 9.0, 2.0], plain=[2.0, 10.0, 1.0], goal=1.0)
    assert figure.ratio == Spread(median=0.9, low=0.5, high=2.0)
    assert figure.met is True


@pytest.mark.parametrize(
    ("ours", "goal", "met"),
    [
        (0.4, Goal(0.5, "ours"), True),
        (0.6, Goal(0.5, "ours"), False),
        (9.0, Goal(10.0, "ours", at_least=True), False),
        (11.0, Goal(10.0, "ours", at_least=True), True),
        (1.0, None, None),
    ],
)
def test_a_goal_is_a_bound(ours: float, goal: Goal | None, met: bool | None) -> None:
    assert Figure("this", "s", Spread.of([ours]), goal=goal).met is met


def test_what_was_skipped_meets_nothing_and_says_why() -> None:
    figure = skipped("docker", "no engine")
    assert figure.met is None
    assert cells(figure)[-1] == "skipped: no engine"
