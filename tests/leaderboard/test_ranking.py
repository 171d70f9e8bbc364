from __future__ import annotations

from typing import Any

import pytest

from benchy.leaderboard.board import Board, Row, Score, Table
from benchy.leaderboard.ranking import mean_of, rank
from benchy.record import Metric, ModelIdentity, RunRecord
from tests.records import asked, benchmark, group, make_record, metric


def only_table(*records: RunRecord) -> Table:
    (table,) = rank(records).tables
    return table


def rows_of(*records: RunRecord) -> dict[str, Row]:
    return {row.model: row for row in only_table(*records).rows}


def values(row: Row) -> list[float | None]:
    return [cell.value if cell else None for cell in row.cells]


def names(table: Table) -> list[str]:
    """Of the columns that the mean is of."""
    return [column.conditions.benchmark for column in table.columns if column.id in table.mean_of]


def scored(model: str, value: float | None, stderr: float | None = 0.01, **changes: Any) -> RunRecord:
    return make_record(model, benchmarks=(benchmark("arc", metric(value, stderr=stderr)),), **changes)


def test_no_records_make_an_empty_board() -> None:
    assert rank([]) == Board(updated_at=None, tables=(), unreadable=())


def test_the_mean_ranks() -> None:
    rows = rows_of(make_record("org/a", {"x": 0.2, "y": 0.8}), make_record("org/b", {"x": 0.6, "y": 0.6}))
    assert (rows["org/b"].rank, rows["org/b"].mean.value) == pytest.approx((1, 0.6))
    assert (rows["org/a"].rank, rows["org/a"].mean.value) == pytest.approx((2, 0.5))


def test_the_order_of_the_records_does_not_matter() -> None:
    records = [scored(f"org/{index}", 0.5 + index / 100, day=index) for index in range(8)]
    assert rank(records) == rank(records[::-1]) == rank(records[4:] + records[:4])


def test_the_error_of_a_mean_adds_in_squares() -> None:
    mean = mean_of([Score(value=0.2, stderr=0.03), Score(value=0.4, stderr=0.04)])
    assert (mean.value, mean.stderr) == pytest.approx((0.3, 0.025))


def test_a_mean_with_an_unknown_error_has_none() -> None:
    assert mean_of([Score(value=0.2, stderr=None), Score(value=0.4, stderr=0.04)]).stderr is None


def test_a_run_with_a_score_missing_has_no_mean_and_no_rank() -> None:
    rows = rows_of(scored("org/a", None, None), scored("org/b", 0.5))
    assert (rows["org/a"].mean.value, rows["org/a"].rank, rows["org/b"].rank) == (None, None, 1)


def test_models_that_chance_may_have_ordered_share_a_range() -> None:
    rows = rows_of(scored("org/a", 0.60), scored("org/b", 0.59), scored("org/c", 0.30))
    ranges = {name: (row.rank, row.best_rank, row.worst_rank) for name, row in rows.items()}
    assert ranges == {"org/a": (1, 1, 2), "org/b": (2, 1, 2), "org/c": (3, 3, 3)}


def test_a_difference_of_two_combined_errors_is_beyond_chance() -> None:
    combined = 0.01 * 2**0.5
    just_more = rows_of(scored("org/a", 0.5 + 1.97 * combined), scored("org/b", 0.5))
    just_less = rows_of(scored("org/a", 0.5 + 1.95 * combined), scored("org/b", 0.5))
    assert (just_more["org/a"].worst_rank, just_less["org/a"].worst_rank) == (1, 2)


def test_equal_means_share_a_rank() -> None:
    rows = rows_of(scored("org/a", 0.5), scored("org/b", 0.5), scored("org/c", 0.4))
    assert [rows[name].rank for name in ("org/a", "org/b", "org/c")] == [1, 1, 3]


def test_lower_is_better_where_lm_eval_says_so() -> None:
    def perplexity(model: str, value: float) -> RunRecord:
        word = metric(value, name="word_perplexity", stderr=None, higher_is_better=False)
        return make_record(model, benchmarks=(benchmark("wikitext", word),))

    rows = rows_of(perplexity("org/a", 20.0), perplexity("org/b", 12.0))
    assert (rows["org/b"].rank, rows["org/a"].rank) == (1, 2)


@pytest.mark.parametrize(
    "other", [metric(0.9, higher_is_better=False), metric(31.0, name="bleu"), metric(0.9, higher_is_better=None)]
)
def test_a_score_on_another_scale_stands_beside_the_mean_and_is_no_part_of_it(other: Metric) -> None:
    better = make_record("org/a", benchmarks=(benchmark("arc", metric(0.6)), benchmark("other", other)))
    worse = make_record("org/b", benchmarks=(benchmark("arc", metric(0.5)), benchmark("other", other)))
    table = only_table(better, worse)
    assert names(table) == ["arc"]
    assert [(row.model, row.rank, row.mean.value) for row in table.rows] == [("org/a", 1, 0.6), ("org/b", 2, 0.5)]
    assert values(table.rows[0]) == [0.6, other.value]


def test_nothing_is_ranked_where_lm_eval_does_not_say_what_is_better() -> None:
    table = only_table(make_record(benchmarks=(benchmark("arc", metric(0.5, higher_is_better=None)),)))
    assert "does not say of any metric" in (table.no_rank_because or "")
    assert [(row.standing, row.rank) for row in table.rows] == [("unranked", None)]


def test_a_later_run_adds_a_column_to_its_models_row() -> None:
    """Eleven benchmarks in April and one in May are one row of twelve cells."""
    april = {f"b{index:02}": 0.5 for index in range(11)}
    first = make_record("org/a", april, run_name="april")
    table = only_table(first, make_record("org/a", {"later": 0.7}, day=30, run_name="may"))
    (row,) = table.rows
    assert values(row) == [0.5] * 11 + [0.7]
    assert [cell.run_name for cell in row.cells if cell] == ["april"] * 11 + ["may"]


def test_the_mean_is_of_what_all_ranked_models_have() -> None:
    both = [make_record(f"org/{name}", {"arc": 0.5, "boolq": value}) for name, value in (("a", 0.6), ("b", 0.7))]
    added = make_record("org/a", {"later": 0.1}, day=1)
    stray = make_record("org/c", {"arc": 0.9})
    table = only_table(*both, added, stray)
    assert names(table) == ["arc", "boolq"]
    ranked = {row.model: (row.rank, row.standing, row.mean.value) for row in table.rows}
    assert ranked == {
        "org/a": (2, "ranked", 0.55), "org/b": (1, "ranked", 0.6), "org/c": (None, "unranked", None)
    }  # fmt: skip


def test_once_all_models_have_the_new_column_the_mean_takes_it() -> None:
    first = [make_record(f"org/{name}", {"arc": 0.5}) for name in "ab"]
    later = [make_record(f"org/{name}", {"later": 0.7}, day=1) for name in "ab"]
    assert names(only_table(*first, *later[:1])) == ["arc"]
    assert names(only_table(*first, *later)) == ["arc", "later"]


def test_changed_questions_open_another_column_that_says_what_differs() -> None:
    old = asked("arc", doc_to_text='"Q: {{q}}"')
    new = asked("arc", doc_to_text='"Question: {{q}}"')
    before = make_record("org/a", benchmarks=(benchmark("arc", metric(0.775), questions=old),))
    after = make_record("org/a", benchmarks=(benchmark("arc", metric(0.325), questions=new),), day=1)
    other = make_record("org/b", benchmarks=(benchmark("arc", metric(0.5), questions=old),))
    table = only_table(before, after, other)
    assert [column.differs for column in table.columns] == [
        (),
        ('doc_to_text "Question: {{q}}", not "Q: {{q}}"',),
    ]
    rows = {row.model: (row.rank, values(row)) for row in table.rows}
    assert rows == {"org/a": (1, [0.775, 0.325]), "org/b": (2, [0.5, None])}


def test_of_two_columns_of_one_benchmark_the_mean_takes_the_newer_once_all_have_it() -> None:
    def run(model: str, question: str, day: int) -> RunRecord:
        return make_record(model, benchmarks=(benchmark("arc", metric(0.5), questions=asked(question)),), day=day)

    table = only_table(*(run(f"org/{name}", question, day) for name in "ab" for day, question in enumerate("xy")))
    (counted,) = (column for column in table.columns if column.id in table.mean_of)
    assert counted.conditions.questions == asked("y").digest


def test_a_benchmark_below_a_group_is_not_counted_twice() -> None:
    law = benchmark("law", metric(0.4))
    through = make_record(benchmarks=(law,), groups=(group("mmlu", metric(0.4), members=("law",)),))
    table = only_table(through, make_record(benchmarks=(law,), day=1))
    assert [column.conditions.benchmark for column in table.columns] == ["law", "mmlu"]
    assert names(table) == ["mmlu"]


def test_models_that_share_no_benchmark_stand_in_tables_of_their_own() -> None:
    tables = rank([make_record("org/a", {"x": 0.5}), make_record("org/b", {"y": 0.5})]).tables
    assert [[(row.model, row.rank) for row in table.rows] for table in tables] in (
        [[("org/a", 1)], [("org/b", 1)]], [[("org/b", 1)], [("org/a", 1)]]
    )  # fmt: skip


def test_a_record_without_a_digest_is_shown_and_never_ranked() -> None:
    """Not beside new ones, and not beside others of its kind: nothing proves that they were asked the same."""
    old = [make_record(f"org/{name}", benchmarks=(benchmark("arc", metric(0.9), questions=None),)) for name in "ab"]
    new, unproven = rank([*old, make_record("org/a", {"arc": 0.5})]).tables
    assert [(row.model, row.rank, values(row)) for row in new.rows] == [("org/a", 1, [0.5])]
    assert (unproven.kind, "digest" in (unproven.no_rank_because or "")) == ("unproven", True)
    assert [(row.model, row.rank, values(row)) for row in unproven.rows] == [
        ("org/a", None, [0.9]), ("org/b", None, [0.9])
    ]  # fmt: skip


def test_the_newest_score_of_a_model_stands_and_those_before_it_are_kept() -> None:
    older, newer = scored("org/a", 0.9, run_name="older"), scored("org/a", 0.5, day=1, run_name="newer")
    (row,) = only_table(older, newer).rows
    (cell,) = row.cells
    assert cell is not None
    assert (cell.run_name, cell.value, row.rank) == ("newer", 0.5, 1)
    assert [(score.run_name, score.value) for score in cell.older] == [("older", 0.9)]


@pytest.mark.parametrize(
    "changes",
    [
        {"commit": "f" * 40},
        {"model_config": {"max_length": 512}},
        {"model_config": {"args": {"peft": "org/l"}}},
        {"evaluation": {"apply_chat_template": True}},
    ],
)
def test_other_weights_arguments_or_prompting_are_another_model_in_the_same_column(changes: dict[str, Any]) -> None:
    table = only_table(scored("org/a", 0.9), scored("org/a", 0.5, **changes))
    assert [row.rank for row in table.rows] == [1, 2]


def of_model(record: RunRecord, **identity: Any) -> RunRecord:
    name = record.config.model.name
    return record.model_copy(update={"model": ModelIdentity(**{"name": name, "source": "hub"} | identity)})


def test_an_adapter_at_another_commit_is_another_model() -> None:
    runs = [of_model(scored("org/a", 0.5), commit="c", parts={"peft": commit}) for commit in ("d", "e")]
    assert len(only_table(*runs).rows) == 2


def test_a_folder_called_like_a_repository_is_not_listed_as_it() -> None:
    local = of_model(scored("meta-llama/Llama-3.1-8B", 0.9), source="folder", content_hash="f" * 64)
    (row,) = only_table(local).rows
    assert (row.model, row.source) == ("meta-llama/Llama-3.1-8B (folder)", "folder")
    assert (row.commit, row.content_hash) == (None, "f" * 64)


def test_both_ways_to_compute_log_likelihoods_are_one_model() -> None:
    stock = scored("org/a", 0.9, model_config={"backend": "hf-stock"}, day=1, run_name="stock")
    (row,) = only_table(scored("org/a", 0.9, run_name="fast"), stock).rows
    assert [cell.run_name for cell in row.cells if cell] == ["stock"]


def test_a_test_stands_apart_and_is_never_ranked() -> None:
    tables = rank([scored("org/a", 0.9, evaluation={"limit": 10}), scored("org/b", 0.5)]).tables
    shown = [(table.kind, [(row.model, row.standing, row.rank) for row in table.rows]) for table in tables]
    assert shown == [("comparable", [("org/b", "ranked", 1)]), ("test", [("org/a", "test", None)])]
