"""The scores of single documents are taken from lm-eval's samples, in the order of the documents."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from benchy.results.scores import HASH_BYTES, make_scores


def sample(
    doc_id: int, score: object = 1.0, *, filter_name: str = "none", answer: str | None = None, **doc: Any
) -> Any:
    """Return one line of lm-eval's: multiple choice, or a generated answer."""
    second: object = " yes" if answer is None else {"until": ["."]}
    return {
        "doc_id": doc_id,
        "doc": doc,
        "arguments": {"gen_args_0": {"arg_0": "prompt", "arg_1": second}},
        "resps": [[[-1.0, False]]] if answer is None else [[answer]],
        "filter": filter_name,
        "metrics": ["acc"],
        "acc": score,
        "doc_hash": f"{doc_id:064x}",
        "target_hash": "ab" * 32,
        "prompt_hash": "no hexadecimal text",
    }


def test_rows_are_in_the_order_of_the_documents() -> None:
    scores = make_scores([sample(5, 0.0), sample(2, 1.0), sample(9, 0.5)])
    assert scores.doc_ids.tolist() == [2, 5, 9]
    assert scores.values["acc,none"].tolist() == [1.0, 0.0, 0.5]
    assert len(scores) == 3


def test_each_filter_has_a_column_and_what_is_missing_is_nan() -> None:
    rows = [sample(0), sample(0, 0.0, filter_name="strict"), sample(1), sample(2), sample(2, 1.0, filter_name="strict")]
    scores = make_scores(rows)
    assert scores.values["acc,none"].tolist() == [1.0, 1.0, 1.0]
    strict = scores.values["acc,strict"].tolist()
    assert strict[0] == 0.0
    assert math.isnan(strict[1])
    assert strict[2] == 1.0


@pytest.mark.parametrize("score", [None, "N/A", [1, 2], (0.5, 0.5), float("inf"), 10**400, {}])
def test_what_is_no_number_is_no_score(score: object) -> None:
    assert make_scores([sample(0, score), sample(1, 1.0)]).values["acc,none"][1] == 1.0
    assert make_scores([sample(0, score)]).values == {}


def test_hashes_are_cut_and_made_of_what_is_none() -> None:
    scores = make_scores([sample(0)])
    assert scores.targets[0] == b"\xab" * HASH_BYTES
    assert len(scores.prompts.tobytes()) == HASH_BYTES


def test_empty_and_cut_answers_are_told_from_others() -> None:
    rows = [sample(0, answer="fine"), sample(1, answer=" \n"), sample(2, answer="too long")]
    scores = make_scores(rows, is_cut=lambda text: "long" in text, is_empty=lambda text: text == "fine")
    assert scores.empty.tolist() == [True, True, False]
    assert scores.cut is not None
    assert scores.cut.tolist() == [False, False, True]
    assert make_scores(rows).cut is None, "nobody looked"
    cut = make_scores([sample(0)]).cut
    assert cut is not None, "nothing was generated, so nothing was cut"
    assert not cut.any()


def test_a_passage_that_several_questions_share_makes_a_cluster() -> None:
    rows = [sample(n, passage=f"text {n // 2}", story=n) for n in range(4)]
    clusters = make_scores(rows).clusters
    assert clusters is not None
    assert clusters[0] == clusters[1] != clusters[2] == clusters[3]


def test_where_every_document_has_a_passage_of_its_own_there_are_none() -> None:
    assert make_scores([sample(n, passage=n) for n in range(3)]).clusters is None
    assert make_scores([sample(0, passage=1), sample(1)]).clusters is None
    named = make_scores([sample(n, topic=n // 2, passage="one") for n in range(4)], cluster="topic").clusters
    assert named is not None
    assert len(np.unique(named)) == 2
