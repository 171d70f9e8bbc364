"""Tries a commit again that a store refused since another came between, as long as that may help."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, NoReturn

from benchy.errors import UploadFailed

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying

CONFLICTS = 60
"""So many times another commit may come between."""
REFUSALS = 4
"""So many times a commit may be refused while nobody else writes: its newest commit may be shown late."""
LONGEST_DELAY_SECONDS = 20.0

_log = logging.getLogger(__name__)


class MovedOn(Exception):
    """Another commit came between, says the store."""

    def __init__(self, parent: str) -> None:
        super().__init__(parent)
        self.parent = parent
        """The commit that this one was made from."""


def retrying(name: str) -> Retrying:
    """Return what calls a function again that raises :class:`MovedOn`, and says so.

    Raises:
        UploadFailed: others wrote each time, or nobody did and the commit is refused nevertheless.
    """
    from tenacity import Retrying, retry_if_exception_type, wait_random_exponential

    refused: Counter[str] = Counter()

    def is_hopeless(state: RetryCallState) -> bool:
        refused[_parent(state)] += 1
        return refused[_parent(state)] >= REFUSALS or state.attempt_number >= CONFLICTS

    def say(state: RetryCallState) -> None:
        seconds = state.next_action.sleep if state.next_action else 0.0
        why = "others wrote at the same time" if refused[_parent(state)] == 1 else "it still shows the same newest one"
        _log.warning("%s refused the commit (%s); trying again in %.0f s", name, why, seconds)

    def give_up(state: RetryCallState) -> NoReturn:
        if refused[_parent(state)] < REFUSALS:
            raise UploadFailed(
                f"others wrote to {name} each of {CONFLICTS} times that a commit was tried", transient=True
            )
        raise UploadFailed(
            f"{name} refuses each commit as if others wrote to it, but {_parent(state)[:8]} stays its newest",
            hint="look at its page, and try again later",
        )

    wait = wait_random_exponential(multiplier=2.0, max=LONGEST_DELAY_SECONDS)
    return Retrying(
        retry=retry_if_exception_type(MovedOn),
        wait=wait,
        stop=is_hopeless,
        before_sleep=say,
        retry_error_callback=give_up,
    )


def _parent(state: RetryCallState) -> str:
    error = state.outcome.exception() if state.outcome else None
    return error.parent if isinstance(error, MovedOn) else ""
