from __future__ import annotations

from typing import Any

import pytest

from benchy.record import Prompting, RunRecord
from benchy.results.conditions import Conditions, conditions_of, headline, prompting_of, ranked_parts
from tests.records import asked, benchmark, group, make_evaluation, make_record, metric


def conditions(record: RunRecord) -> list[Conditions]:
    """Of each column that the run fills."""
    assert record.evaluation is not None
    return [conditions_of(part, record.evaluation, record) for part in ranked_parts(record.evaluation)]


def test_the_headline_is_acc_norm_where_there_is_one() -> None:
    assert headline(benchmark("arc", metric(0.4), metric(0.5, name="acc_norm"))).name == "acc_norm"


def test_the_headline_is_else_the_first_that_lm_eval_lists() -> None:
    strict = metric(0.4, name="exact_match", filter="strict-match")
    assert headline(benchmark("gsm8k", strict, metric(0.5, name="exact_match", filter="flexible-extract"))) == strict


def test_a_benchmark_below_a_group_counts_through_it() -> None:
    benchmarks = (benchmark("law", metric(0.4)), benchmark("arc", metric(0.5)))
    evaluation = make_evaluation(benchmarks, (group("mmlu", metric(0.4), members=("law",)),))
    assert [part.name for part in ranked_parts(evaluation)] == ["arc", "mmlu"]


def test_a_benchmark_below_a_group_without_a_score_stands_for_itself() -> None:
    evaluation = make_evaluation((benchmark("law", metric(0.4)),), (group("mmlu", members=("law",)),))
    assert [part.name for part in ranked_parts(evaluation)] == ["law"]


def test_a_group_below_a_group_counts_through_the_upper_one() -> None:
    lower = group("stem", metric(0.4), members=("physics",))
    upper = group("mmlu", metric(0.4), members=("stem", "physics"))
    evaluation = make_evaluation((benchmark("physics", metric(0.4)),), (lower, upper))
    assert [part.name for part in ranked_parts(evaluation)] == ["mmlu"]


def test_other_models_on_other_days_are_comparable() -> None:
    one, other = make_record("org/a", {"arc": 0.4}), make_record("org/b", {"arc": 0.9}, day=3)
    assert conditions(one) == conditions(other)


def test_the_order_of_the_benchmarks_does_not_matter() -> None:
    assert conditions(make_record(scores={"a": 0.1, "b": 0.2})) == conditions(make_record(scores={"b": 0.2, "a": 0.1}))


@pytest.mark.parametrize(
    "changes",
    [{"version": "2.0"}, {"num_fewshot": 5}, {"documents": 999}, {"metrics": (metric(0.5, name="acc_norm"),)}],
)
def test_another_benchmark_is_not_comparable(changes: dict[str, Any]) -> None:
    one = make_record(benchmarks=(benchmark("arc", metric(0.5)),))
    other = make_record(benchmarks=(benchmark("arc", metric(0.5)).model_copy(update=changes),))
    assert conditions(one) != conditions(other)


def test_another_version_of_a_benchmark_below_a_group_is_not_comparable() -> None:
    mmlu = group("mmlu", metric(0.4), members=("law",))
    one = make_record(benchmarks=(benchmark("law", metric(0.4)),), groups=(mmlu,))
    other = make_record(benchmarks=(benchmark("law", metric(0.4), version="2.0"),), groups=(mmlu,))
    assert conditions(one) != conditions(other)


def test_other_questions_are_not_comparable() -> None:
    one = make_record(benchmarks=(benchmark("arc", metric(0.5)),))
    other = make_record(benchmarks=(benchmark("arc", metric(0.5), questions=asked("another arc")),))
    assert conditions(one) != conditions(other)


def test_a_test_is_not_comparable() -> None:
    assert conditions(make_record()) != conditions(make_record(evaluation={"limit": 10}))


def test_how_the_model_is_prompted_is_no_condition_of_the_column() -> None:
    with_template = make_record(evaluation={"apply_chat_template": True})
    assert conditions(make_record()) == conditions(with_template)
    assert prompting_of(make_record()) == Prompting()
    assert prompting_of(with_template) == Prompting(chat_template="default", fewshot_as_multiturn=True)


@pytest.mark.parametrize("evaluation", [{"system_instruction": "Be brief."}, {"gen_kwargs": "temperature=1"}])
def test_an_old_record_tells_by_its_config_what_it_asked(evaluation: dict[str, Any]) -> None:
    def old(**changes: Any) -> RunRecord:
        return make_record(benchmarks=(benchmark("arc", metric(0.5), questions=None),), **changes)

    assert conditions(old()) != conditions(old(evaluation=evaluation))


def test_another_harness_is_not_comparable() -> None:
    record = make_record()
    assert record.environment is not None
    newer = record.environment.model_copy(update={"packages": {"lm_eval": "0.5.0"}})
    assert conditions(record) != conditions(record.model_copy(update={"environment": newer}))


def test_a_setting_that_changes_no_prompt_is_comparable() -> None:
    quicker = make_record(evaluation={"batch_size": 64, "cache_requests": True, "log_samples": False})
    assert conditions(make_record()) == conditions(quicker)


def test_gen_kwargs_are_the_same_in_both_forms() -> None:
    def old(gen_kwargs: object) -> RunRecord:
        part = benchmark("arc", metric(0.5), questions=None)
        return make_record(benchmarks=(part,), evaluation={"gen_kwargs": gen_kwargs})

    as_section = old({"max_gen_toks": 64, "temperature": 0})
    assert conditions(old("temperature=0, max_gen_toks=64")) == conditions(as_section)


def test_the_fewshot_seed_counts_only_with_worked_examples() -> None:
    def seeded(seed: int, shots: int) -> list[Conditions]:
        shown = benchmark("arc", metric(0.5), num_fewshot=shots)
        return conditions(make_record(benchmarks=(shown,), evaluation={"seed": seed}))

    assert seeded(1, 0) == seeded(2, 0)
    assert seeded(1, 5) != seeded(2, 5)
    assert seeded(1234, 5) == conditions(make_record(benchmarks=(benchmark("arc", metric(0.5), num_fewshot=5),)))
