"""The best of a column is found by what lm-eval says is better."""

from __future__ import annotations

import pytest

from benchy.leaderboard.page.best import best_mean, best_scores
from benchy.leaderboard.ranking import rank
from tests.records import benchmark, make_record, metric


@pytest.mark.parametrize(("higher", "best"), [(True, 0.7), (False, 0.2), (None, None)])
def test_by_what_is_better(higher: bool | None, best: float | None) -> None:
    parts = [benchmark("arc", metric(value, higher_is_better=higher)) for value in (0.2, 0.7, None)]
    records = [make_record(f"org/{n}", benchmarks=(part,), run_name=str(n)) for n, part in enumerate(parts)]
    (table,) = rank(records).tables
    assert best_scores(table) == (best,)


def test_one_model_alone_is_not_called_the_best() -> None:
    (table,) = rank([make_record("org/a", {"arc": 0.5, "boolq": 0.5})]).tables
    assert best_scores(table) == (None, None)
    assert best_mean(table) is None


def test_the_best_mean_is_of_the_columns_that_rank() -> None:
    records = [make_record(f"org/{n}", {"arc": n / 10, "boolq": 0.5}, run_name=str(n)) for n in (1, 3)]
    (table,) = rank(records).tables
    assert best_mean(table) == pytest.approx(0.4)
