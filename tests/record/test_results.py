"""Flaws are counted by benchmark and told in words; parts of a result can be left out."""

from __future__ import annotations

import pytest

from benchy.record.results import Flaws, all_flaws
from tests.records import benchmark, make_evaluation, metric


def test_each_flaw_that_happened_is_a_sentence() -> None:
    assert Flaws().said(10) == ()
    assert Flaws(cut=1_500, without_gold=2).said(10_000) == (
        "in 1,500 of 10,000 documents an answer was cut at the limit of generated tokens",
        "in 2 of 10,000 documents the gold answer is none of the choices, and every answer counts as wrong",
    )


@pytest.mark.parametrize("name", list(Flaws.model_fields))
def test_every_count_has_words(name: str) -> None:
    (sentence,) = Flaws(**{name: 3}).said(9)
    assert sentence.startswith("in 3 of 9 documents ")


def test_the_flaws_of_several_benchmarks_add_up() -> None:
    assert all_flaws([Flaws(cut=1, empty=2), Flaws(cut=3), Flaws()]) == Flaws(cut=4, empty=2)
    assert all_flaws([]) == Flaws()


def test_samples_and_scores_can_be_left_out_each_alone() -> None:
    part = benchmark("arc", metric(0.5), samples_file="samples.jsonl", scores_file="scores.parquet")
    evaluation = make_evaluation((part,))
    without = evaluation.without_samples().benchmarks[0]
    assert (without.samples_file, without.scores_file) == (None, "scores.parquet")
    without = evaluation.without_scores().benchmarks[0]
    assert (without.samples_file, without.scores_file) == ("samples.jsonl", None)
    assert evaluation.benchmarks[0] == part, "the result itself stays as it is"


def test_a_metric_may_be_of_fewer_documents_than_its_benchmark() -> None:
    few = metric(0.5, documents=7)
    part = benchmark("arc", metric(0.5), few)
    assert [part.documents_of(one) for one in part.metrics] == [1000, 7]
