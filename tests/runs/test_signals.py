"""A signal waits for what must be whole, or is ignored for so long; what was set before is set again."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import FrameType

import pytest

from benchy.runs.signals import ENDING, deferring_signals, ignoring_signals

Block = Callable[[], AbstractContextManager[None]]


class Came:
    """Notes the signals that took effect."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.numbers.append(number)


@pytest.fixture
def came() -> Iterator[Came]:
    """Provide a handler that is set for all signals that end a run."""
    before = {one: signal.getsignal(one) for one in ENDING}
    noted = Came()
    for one in ENDING:
        signal.signal(one, noted)
    yield noted
    for one, handler in before.items():
        signal.signal(one, handler)


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_takes_effect_when_the_block_is_over(came: Came, number: signal.Signals) -> None:
    with deferring_signals():
        signal.raise_signal(number)
        assert came.numbers == []
    assert came.numbers == [number]


def test_of_many_signals_the_first_counts(came: Came) -> None:
    with deferring_signals():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(number)
    assert came.numbers == [signal.SIGTERM]


@pytest.mark.parametrize("number", ENDING)
def test_what_the_first_signal_began_is_not_cut_short(came: Came, number: signal.Signals) -> None:
    with ignoring_signals():
        signal.raise_signal(number)
    assert came.numbers == []


@pytest.mark.parametrize("block", [deferring_signals, ignoring_signals])
def test_what_was_set_before_is_set_again_also_after_an_error(came: Came, block: Block) -> None:
    with pytest.raises(ValueError, match="wrong"), block():
        raise ValueError("wrong")
    assert [signal.getsignal(one) for one in ENDING] == [came] * len(ENDING)
    signal.raise_signal(signal.SIGTERM)
    assert came.numbers == [signal.SIGTERM]


@pytest.mark.usefixtures("came")
def test_ctrl_c_ends_the_program_when_the_record_is_written() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    written: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        _write_while_interrupted(written)
    assert written == ["whole"]


def _write_while_interrupted(written: list[str]) -> None:
    with deferring_signals():
        signal.raise_signal(signal.SIGINT)
        written.append("whole")


@pytest.mark.parametrize("block", [deferring_signals, ignoring_signals])
def test_what_is_ignored_as_under_nohup_stays_ignored(came: Came, block: Block) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with block():
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        signal.raise_signal(signal.SIGHUP)
    assert came.numbers == []
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


@pytest.mark.parametrize("block", [deferring_signals, ignoring_signals])
def test_another_thread_changes_no_handler(came: Came, block: Block) -> None:
    seen = []

    def run() -> None:
        with block():
            seen.append([signal.getsignal(one) for one in ENDING])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [[came] * len(ENDING)]
