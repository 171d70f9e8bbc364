"""A commit that others came before is tried again, as long as that may help."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchy.errors import UploadFailed
from benchy.leaderboard.stores.conflicts import CONFLICTS, REFUSALS, MovedOn, retrying


def tries_until(parents: Iterator[str | None]) -> int:
    """Return how often a commit was tried that each parent but None refuses; nobody sleeps in between."""
    tried = 0

    def commit() -> int:
        nonlocal tried
        tried += 1
        if (parent := next(parents)) is not None:
            raise MovedOn(parent)
        return tried

    return int(retrying("org/board").copy(sleep=lambda _seconds: None)(commit))


def test_it_goes_on_after_others() -> None:
    assert tries_until(iter(["a", "b", "c", None])) == 4


def test_a_store_that_shows_the_same_newest_commit_is_given_up() -> None:
    with pytest.raises(UploadFailed, match="refuses each commit as if others wrote to it, but same stays its newest"):
        tries_until(iter(["same"] * 99))


def test_its_newest_commit_may_be_shown_late() -> None:
    assert tries_until(iter([*["same"] * (REFUSALS - 1), None])) == REFUSALS


def test_where_others_write_all_the_time_it_ends_and_may_be_tried_later() -> None:
    with pytest.raises(UploadFailed, match=f"each of {CONFLICTS} times") as refused:
        tries_until(iter(map(str, range(999))))
    assert refused.value.transient


def test_another_failure_is_not_tried_again() -> None:
    def commit() -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        retrying("org/board")(commit)
