"""A packed row holds each shared token once, and every token sees exactly what it would see alone."""

from __future__ import annotations

import numpy as np
import pytest

from benchy.worker.hf.pack import pack
from benchy.worker.hf.plan import Row, make_plan
from tests.worker.hf.test_plan import WIDE, request, rows, words

DEPTH = 3
STEM = [7, 8, 9]


def row_of(*branches: list[int], shared: tuple[int, ...]) -> Row:
    requests = tuple(request(k, STEM + branch, scored=1) for k, branch in enumerate(branches))
    length = sum(len(r.tokens) - known for r, known in zip(requests, shared, strict=True))
    return Row(requests, shared, length)


def test_a_shared_token_stands_once() -> None:
    packed = pack(row_of([1, 2, 3], [1, 2, 4, 5], [6], shared=(3, 5, 3)), DEPTH)
    assert packed.tokens.tolist() == [1, 2, 3, 4, 5, 6]
    assert packed.positions.tolist() == [3, 4, 5, 5, 6, 3]
    assert [slots.tolist() for _, slots in packed.scored] == [[2], [4], [5]]


def test_a_token_sees_the_prefix_and_its_own_branch() -> None:
    visible = pack(row_of([1, 2, 3], [1, 2, 4, 5], [6], shared=(3, 5, 3)), DEPTH).visible(DEPTH)
    assert visible.astype(int).tolist() == [
        [1, 1, 1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 1, 0, 1, 0, 0],
        [1, 1, 1, 1, 1, 0, 1, 1, 0],
        [1, 1, 1, 0, 0, 0, 0, 0, 1],
    ]


def test_a_window_counts_places_in_the_request_and_not_in_the_row() -> None:
    visible = pack(row_of([1, 2, 3], [1, 2, 4, 5], [6], shared=(3, 5, 3)), DEPTH).visible(DEPTH, window=3)
    assert visible.astype(int).tolist() == [
        [0, 1, 1, 1, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0, 0, 0],
        [0, 0, 0, 1, 1, 1, 0, 0, 0],
        [0, 0, 0, 1, 1, 0, 1, 0, 0],
        [0, 0, 0, 0, 1, 0, 1, 1, 0],
        [0, 1, 1, 0, 0, 0, 0, 0, 1],
    ]


def test_one_branch_needs_no_mask() -> None:
    assert pack(row_of([1, 2], [1, 2, 3], shared=(3, 5)), DEPTH).is_causal
    assert not pack(row_of([1, 2], [1, 3], shared=(3, 4)), DEPTH).is_causal
    assert not pack(row_of([1], [2], shared=(3, 3)), DEPTH).is_causal


@pytest.mark.parametrize("seed", range(3))
def test_every_request_can_be_read_back_from_its_row(seed: int) -> None:
    random = np.random.default_rng(seed)
    requests = []
    for index in range(60):
        tokens = words(int(random.integers(4)), 70) + words(index, int(random.integers(1, 9)), vocabulary=2)
        requests.append(request(index, tokens, scored=int(random.integers(1, 5))))
    for group, row in rows(make_plan(requests, WIDE)):
        packed = pack(row, group.depth)
        visible = packed.visible(group.depth)
        for r, slots in packed.scored:
            seen = np.flatnonzero(visible[slots[-1]])
            assert packed.tokens[seen[group.depth :] - group.depth].tolist() == r.tokens[group.depth :].tolist()
            assert packed.positions[slots].tolist() == list(range(len(r.tokens) - len(slots), len(r.tokens)))
