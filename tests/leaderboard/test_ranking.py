from __future__ import annotations

from typing import Any

import pytest

from benchy.leaderboard.board import Board, Entry, Score
from benchy.leaderboard.ranking import mean_of, rank
from benchy.record import RunRecord
from tests.records import benchmark, make_record, metric


def only_suite(*records: RunRecord) -> dict[str, Entry]:
    (suite,) = rank(records).suites
    return {entry.model: entry for entry in suite.entries}


def scored(model: str, value: float | None, stderr: float | None = 0.01, **changes: Any) -> RunRecord:
    return make_record(model, benchmarks=(benchmark("arc", metric(value, stderr=stderr)),), **changes)


def test_no_records_make_an_empty_board() -> None:
    assert rank([]) == Board(updated_at=None, suites=(), unreadable=())


def test_the_mean_ranks() -> None:
    entries = only_suite(make_record("org/a", {"x": 0.2, "y": 0.8}), make_record("org/b", {"x": 0.6, "y": 0.6}))
    assert (entries["org/b"].rank, entries["org/b"].mean.value) == pytest.approx((1, 0.6))
    assert (entries["org/a"].rank, entries["org/a"].mean.value) == pytest.approx((2, 0.5))


def test_the_order_of_the_records_does_not_matter() -> None:
    records = [scored(f"org/{index}", 0.5 + index / 100, day=index) for index in range(8)]
    assert rank(records) == rank(records[::-1]) == rank(records[4:] + records[:4])


def test_the_error_of_a_mean_adds_in_squares() -> None:
    mean = mean_of([Score(value=0.2, stderr=0.03), Score(value=0.4, stderr=0.04)])
    assert (mean.value, mean.stderr) == pytest.approx((0.3, 0.025))


def test_a_mean_with_an_unknown_error_has_none() -> None:
    assert mean_of([Score(value=0.2, stderr=None), Score(value=0.4, stderr=0.04)]).stderr is None


def test_a_run_with_a_score_missing_has_no_mean_and_no_rank() -> None:
    entries = only_suite(scored("org/a", None, None), scored("org/b", 0.5))
    assert (entries["org/a"].mean.value, entries["org/a"].rank, entries["org/b"].rank) == (None, None, 1)


def test_models_that_chance_may_have_ordered_share_a_range() -> None:
    entries = only_suite(scored("org/a", 0.60), scored("org/b", 0.59), scored("org/c", 0.30))
    ranges = {name: (entry.rank, entry.best_rank, entry.worst_rank) for name, entry in entries.items()}
    assert ranges == {"org/a": (1, 1, 2), "org/b": (2, 1, 2), "org/c": (3, 3, 3)}


def test_a_difference_of_two_combined_errors_is_beyond_chance() -> None:
    combined = 0.01 * 2**0.5
    just_more = only_suite(scored("org/a", 0.5 + 1.97 * combined), scored("org/b", 0.5))
    just_less = only_suite(scored("org/a", 0.5 + 1.95 * combined), scored("org/b", 0.5))
    assert (just_more["org/a"].worst_rank, just_less["org/a"].worst_rank) == (1, 2)


def test_equal_means_share_a_rank() -> None:
    entries = only_suite(scored("org/a", 0.5), scored("org/b", 0.5), scored("org/c", 0.4))
    assert [entries[name].rank for name in ("org/a", "org/b", "org/c")] == [1, 1, 3]


def test_lower_is_better_where_lm_eval_says_so() -> None:
    def perplexity(model: str, value: float) -> RunRecord:
        word = metric(value, name="word_perplexity", stderr=None, higher_is_better=False)
        return make_record(model, benchmarks=(benchmark("wikitext", word),))

    entries = only_suite(perplexity("org/a", 20.0), perplexity("org/b", 12.0))
    assert (entries["org/b"].rank, entries["org/a"].rank) == (1, 2)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (metric(0.9, higher_is_better=False), "of others lower"),
        (metric(31.0, name="bleu"), "no common scale"),
        (metric(0.9, higher_is_better=None), "does not say"),
    ],
)
def test_scores_without_a_common_scale_are_not_ranked(other: Any, reason: str) -> None:
    record = make_record(benchmarks=(benchmark("arc", metric(0.5)), benchmark("other", other)))
    (suite,) = rank([record]).suites
    assert reason in (suite.no_rank_because or "")
    assert [(entry.standing, entry.rank) for entry in suite.entries] == [("unranked", None)]


def test_the_newest_run_of_a_model_is_ranked_and_older_ones_stay_listed() -> None:
    older, newer = scored("org/a", 0.9, run_name="older"), scored("org/a", 0.5, day=1, run_name="newer")
    (suite,) = rank([newer, older]).suites
    assert [(e.run_name, e.standing, e.rank) for e in suite.entries] == [
        ("newer", "ranked", 1),
        ("older", "older", None),
    ]


@pytest.mark.parametrize(
    "changes",
    [{"commit": "f" * 40}, {"model_config": {"max_length": 512}}, {"model_config": {"args": {"peft": "org/l"}}}],
)
def test_other_weights_or_arguments_are_another_model(changes: dict[str, Any]) -> None:
    (suite,) = rank([scored("org/a", 0.9), scored("org/a", 0.5, **changes)]).suites
    assert [entry.rank for entry in suite.entries] == [1, 2]


def test_both_ways_to_compute_log_likelihoods_are_one_model() -> None:
    stock = scored("org/a", 0.9, model_config={"backend": "hf-stock"}, day=1, run_name="stock")
    (suite,) = rank([scored("org/a", 0.9, run_name="fast"), stock]).suites
    assert [(entry.run_name, entry.standing) for entry in suite.entries] == [("stock", "ranked"), ("fast", "older")]


def test_a_test_stands_apart_and_is_never_ranked() -> None:
    suites = rank([scored("org/a", 0.9, evaluation={"limit": 10}), scored("org/b", 0.5)]).suites
    shown = [(suite.conditions.is_test, [(e.model, e.standing, e.rank) for e in suite.entries]) for suite in suites]
    assert shown == [(False, [("org/b", "ranked", 1)]), (True, [("org/a", "test", None)])]


def test_what_is_not_comparable_stands_in_suites_of_its_own() -> None:
    suites = rank([make_record("org/a", {"x": 0.9}), make_record("org/b", {"x": 0.5, "y": 0.5})]).suites
    assert sorted(suite.title for suite in suites) == ["x", "x, y"]
    assert [entry.rank for suite in suites for entry in suite.entries] == [1, 1]
