"""A record is judged before it is added: what no honest run can hold is named."""

from __future__ import annotations

import math
from typing import Any

import pytest

from benchy.errors import UploadFailed
from benchy.leaderboard.judging import LARGEST, find_impossible, find_unshowable, require_rankable
from benchy.record import RunRecord
from tests.records import asked, benchmark, group, make_record, metric


def of(*scores: Any, **changes: Any) -> RunRecord:
    return make_record(benchmarks=(benchmark("arc", *(scores or (metric(0.5),)), **changes),), run_name="run")


def test_an_honest_record_passes() -> None:
    record = of(metric(0.5), metric(None, name="f1", stderr=None))
    assert find_impossible(record) is None
    assert find_unshowable(record) is None
    require_rankable(record)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, -LARGEST * 2])
def test_a_score_or_an_error_beyond_all_is_named(value: float) -> None:
    wrong = metric(0.5).model_copy(update={})
    record = of(wrong.model_construct(**dict(wrong) | {"value": value}))
    assert find_impossible(record) == f"the acc of arc is {value:.4g}"
    record = of(wrong.model_construct(**dict(wrong) | {"stderr": value}))
    assert find_impossible(record) == f"the standard error of acc of arc is {value:.4g}"
    with pytest.raises(UploadFailed, match="run cannot stand on a leaderboard: the standard error"):
        require_rankable(record)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (of(documents=10**400), "record.evaluation.benchmarks.documents is no number that can be shown"),
        (of(samples_file="../record.json"), 'it names "../record.json", which is no plain file name'),
        (of(scores_file=".hidden"), 'it names ".hidden"'),
        (
            of(questions=asked("arc").model_construct(**dict(asked("arc")) | {"settings": {"a": "b"}})),
            "digest of what arc",
        ),
        (make_record("m" * 1001), "it has a name of 1,001 characters"),
        (make_record(scores={"b" * 1001: 0.5}), "it has a name of 1,001 characters"),
        (make_record(benchmarks=(), groups=(group("g" * 2000, metric(0.1), members=()),)), "2,000 characters"),
    ],
)
def test_other_numbers_and_names(record: RunRecord, said: str) -> None:
    assert said in (find_impossible(record) or "")
