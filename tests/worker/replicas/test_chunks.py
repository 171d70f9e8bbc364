"""Chunks hold every request once, the longest first, in lm-eval's own batches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from benchy.worker.replicas.chunks import PREFIXES_A_CHUNK, generated_chunks, planned_chunks, scored_chunks


def lm(*, logits_cache: bool = True) -> Any:
    """Return what is asked of lm-eval's object: its kind, and a tokenizer of one token a letter."""
    return SimpleNamespace(backend="causal", logits_cache=logits_cache, tok_encode=list)


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_generated_texts_are_cut_by_the_length_of_their_prompts(size: int) -> None:
    requests = [SimpleNamespace(args=("x" * length, {})) for length in (3, 9, 1, 7, 5)]
    chunks = generated_chunks(lm(), requests, size)
    assert [index for chunk in chunks for index in chunk] == [1, 3, 4, 0, 2]
    assert [len(chunk) for chunk in chunks[:-1]] == [size] * (len(chunks) - 1)


def test_requests_that_differ_in_their_last_token_alone_are_one_row() -> None:
    requests = [(("", ""), [1, 2], [3, 4]), (("", ""), [1, 2], [3, 5]), (("", ""), [1], [2])]
    assert scored_chunks(lm(), requests, 1) == [[0, 1], [2]]
    assert [len(chunk) for chunk in scored_chunks(lm(logits_cache=False), requests, 1)] == [1, 1, 1]


def test_a_prefix_is_computed_again_once_it_is_a_small_part() -> None:
    prefix, other = object(), object()

    def batch(length: int, *prefixes: object) -> Any:
        return SimpleNamespace(length=length, depth=10, prefixes=prefixes)

    batches = [batch(60, prefix), batch(60, prefix), batch(60, prefix), batch(5, other), batch(5)]
    assert PREFIXES_A_CHUNK == 10
    assert [len(chunk) for chunk in planned_chunks(batches)] == [2, 1, 1, 1]
