"""Every token is computed, shared ones as rarely as the limits allow, and no prefix hides an output that counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from benchy.worker.hf.plan import MIN_PREFIX, Group, Request, Row, RowLimit, make_plan, usual_length

WIDE = RowLimit(usual=64, at_most=10_000, scored_at_most=10_000)


def request(index: int, tokens: list[int], scored: int = 1) -> Request:
    array = np.array(tokens, np.int32)
    return Request((index,), array, array[len(array) - scored :])


def rows(group: Group) -> Iterator[tuple[Group, Row]]:
    yield from ((group, row) for row in group.rows)
    for child in group.children:
        yield from rows(child)


def computed(group: Group) -> int:
    """Tokens that the plan computes."""
    below = sum(row.length for row in group.rows) + sum(computed(child) for child in group.children)
    return len(group.prefix) + below


def words(seed: int, length: int, vocabulary: int = 1000) -> list[int]:
    drawn: list[int] = np.random.default_rng(seed).integers(0, vocabulary, length).tolist()
    return drawn


@pytest.mark.parametrize("seed", range(5))
def test_every_request_is_in_one_row_behind_its_own_prefix(seed: int) -> None:
    random = np.random.default_rng(seed)
    stems = [words(10 * seed + k, int(random.integers(1, 120)), vocabulary=3) for k in range(6)]
    requests = []
    for index in range(200):
        tokens = stems[int(random.integers(6))] + words(index, int(random.integers(1, 30)), vocabulary=3)
        requests.append(request(index, tokens, scored=int(random.integers(1, len(tokens) + 1))))
    limit = RowLimit(usual=64, at_most=int(random.integers(32, 400)), scored_at_most=int(random.integers(8, 400)))

    plan = make_plan(requests, limit)

    found = list(rows(plan))
    assert sorted(index for _, row in found for r in row.requests for index in r.indices) == list(range(200))
    for child in plan.children:
        assert len(child.prefix) >= MIN_PREFIX
    for group, row in found:
        for r in row.requests:
            assert len(r.tokens) - len(r.targets) >= group.depth
        for before, r, shared in zip(row.requests, row.requests[1:], row.shared[1:], strict=False):
            assert shared >= group.depth
            assert before.tokens[:shared].tolist() == r.tokens[:shared].tolist()
        fresh = sum(len(r.tokens) - shared for r, shared in zip(row.requests, row.shared, strict=True))
        assert row.length == fresh
        assert row.length <= max(limit.at_most, *(len(r.tokens) - group.depth for r in row.requests))


@pytest.mark.parametrize("seed", range(3))
def test_a_groups_prefix_is_what_its_requests_begin_with(seed: int) -> None:
    example, other = words(seed, 100), words(seed + 50, 100)
    requests = [request(k, [*(example if k % 2 else other), *words(k, 20 + k % 7)], scored=2) for k in range(40)]

    def check(group: Group, inherited: list[int]) -> None:
        prefix = [*inherited, *group.prefix.tolist()]
        assert len(prefix) == group.depth
        for row in group.rows:
            for r in row.requests:
                assert r.tokens[: group.depth].tolist() == prefix
        for child in group.children:
            check(child, prefix)

    plan = make_plan(requests, WIDE)
    check(plan, [])
    assert sorted(child.depth for child in plan.children) == [100, 100]


def test_worked_examples_are_computed_once_for_all_documents() -> None:
    examples = words(0, 600)
    questions = [words(k + 1, 50) for k in range(100)]
    plan = make_plan([request(k, examples + question) for k, question in enumerate(questions)], WIDE)
    assert computed(plan) == 600 + 100 * 50


def test_a_context_is_computed_once_for_its_choices() -> None:
    contexts = [words(k, 300) for k in range(10)]
    requests = [
        request(4 * k + n, [*context, *words(1000 + 4 * k + n, 20)], 21)
        for k, context in enumerate(contexts)
        for n in range(4)
    ]
    plan = make_plan(requests, WIDE)
    assert computed(plan) == 10 * (300 + 4 * 20)
    assert not plan.children


def test_many_choices_read_the_context_as_a_prefix_up_to_its_last_token_whose_output_counts() -> None:
    context = words(0, 300)
    plan = make_plan([request(k, [*context, *words(k + 1, 20)], scored=21) for k in range(60)], WIDE)
    (child,) = plan.children
    assert child.depth == 299
    assert not plan.rows


def test_the_same_request_twice_costs_nothing() -> None:
    plan = make_plan([request(k, words(0, 40), scored=3) for k in range(50)], WIDE)
    assert computed(plan) == 40


def test_long_requests_with_nothing_in_common_stay_apart() -> None:
    plan = make_plan([request(k, words(k, 200)) for k in range(10)], WIDE)
    assert [len(row.requests) for row in plan.rows] == [1] * 10


def test_short_requests_with_nothing_in_common_share_rows() -> None:
    plan = make_plan([request(k, words(k, 16)) for k in range(12)], WIDE)
    assert [row.length for row in plan.rows] == [64, 64, 64]


def test_outputs_that_do_not_fit_into_memory_divide_a_row() -> None:
    limit = RowLimit(usual=64, at_most=10_000, scored_at_most=30)
    plan = make_plan([request(k, words(k, 16), scored=10) for k in range(12)], limit)
    assert [row.scored for row in plan.rows] == [30] * 4


def test_nothing_to_do() -> None:
    plan = make_plan([], WIDE)
    assert not plan.rows
    assert not plan.children


def test_rows_grow_with_the_model_within_bounds() -> None:
    assert [usual_length(hidden) for hidden in (32, 512, 4096)] == [64, 128, 512]
