"""Documents of two runs are paired by their text and gold answer, wherever they stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from benchy.results.pairing import pair
from benchy.results.scores import HASH_BYTES, Hashes, Scores


def hashes(names: Sequence[str]) -> Hashes:
    return np.array([name.encode().ljust(HASH_BYTES, b"-") for name in names], f"S{HASH_BYTES}")


def table(
    documents: str, values: Sequence[float], *, targets: str = "", prompts: str = "", passages: str = ""
) -> Scores:
    """Return the scores of documents with names of a letter each."""
    count = len(documents)
    return Scores(
        doc_ids=np.arange(count) + 10,
        documents=hashes(documents),
        targets=hashes(targets or "x" * count),
        prompts=hashes(prompts or documents),
        values={"acc,none": np.array(values, float)},
        clusters=hashes(passages) if passages else None,
        empty=np.zeros(count, bool),
        cut=None,
    )


def test_the_same_table_is_paired_row_by_row() -> None:
    pairs = pair(table("abc", [1, 0, 1]), table("abc", [0, 0, 1]), "acc,none")
    assert pairs.first.tolist() == [1, 0, 1]
    assert pairs.second.tolist() == [0, 0, 1]
    assert (pairs.only_first, pairs.only_second, pairs.other_prompts) == (0, 0, 0)


@pytest.mark.parametrize(("first", "second"), [("abc", "cab"), ("abcd", "ca"), ("ca", "xyzabc"), ("abc", "xyz")])
def test_the_order_and_the_rest_do_not_matter(first: str, second: str) -> None:
    """Each document's value is its place in the alphabet, in both runs."""
    one, other = (table(names, [ord(name) for name in names]) for names in (first, second))
    pairs = pair(one, other, "acc,none")
    assert pairs.first.tolist() == pairs.second.tolist() == [ord(name) for name in first if name in second]
    assert (pairs.only_first, pairs.only_second) == (len(set(first) - set(second)), len(set(second) - set(first)))
    assert pairs.doc_ids.tolist() == [10 + place for place, name in enumerate(first) if name in second]


def test_a_document_that_is_there_twice_is_paired_twice_in_its_order() -> None:
    pairs = pair(table("aab", [1, 2, 3]), table("baaa", [3, 1, 2, 9]), "acc,none")
    assert pairs.first.tolist() == pairs.second.tolist() == [1, 2, 3]
    assert (pairs.only_first, pairs.only_second) == (0, 1)


def test_another_gold_answer_makes_it_another_document() -> None:
    pairs = pair(table("ab", [1, 1], targets="xx"), table("ab", [1, 1], targets="xy"), "acc,none")
    assert pairs.first.tolist() == [1]
    assert (pairs.only_first, pairs.only_second) == (1, 1)


def test_other_prompts_are_counted_and_documents_without_a_score_left_out() -> None:
    pairs = pair(table("abc", [1, np.nan, 1]), table("abc", [1, 1, 1], prompts="abx"), "acc,none")
    assert pairs.first.tolist() == [1, 1]
    assert pairs.other_prompts == 1
    assert len(pair(table("ab", [1, 1]), table("ab", [1, 1]), "f1,none").first) == 0


def test_clusters_are_taken_from_whichever_run_knows_them() -> None:
    pairs = pair(table("abc", [1, 1, 1]), table("cba", [1, 1, 1], passages="pqq"), "acc,none")
    assert pairs.clusters is not None
    assert [bytes(name)[:1] for name in pairs.clusters] == [b"q", b"q", b"p"]
