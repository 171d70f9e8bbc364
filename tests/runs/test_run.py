"""What looks on, what signals, and what clocks do to a run."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from benchy.config import BenchmarkConfig
from benchy.protocol import Phase
from benchy.record import Facts, now, read_record
from benchy.runs.opening import open_run
from benchy.runs.run import Run
from benchy.runs.signals import deferring_signals
from tests.records import make_record
from tests.runs.test_taken_up import config_with


@pytest.fixture
def config(tmp_path: Path) -> BenchmarkConfig:
    return config_with(make_record().config, tmp_path)


class Told:
    """Looks on, and fails from the second event."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def on_event(self, event: object) -> None:
        self.events.append(event)
        if len(self.events) > 1:
            raise OSError(5, "Input/output error")


def test_who_looks_on_ends_no_run(config: BenchmarkConfig) -> None:
    """A terminal that was closed ended the run with a bug message."""
    first, second = Told(), Told()
    with open_run(config, Facts()) as run, run.watched_by(first), run.watched_by(second):
        for number in range(4):
            run.notify(Phase(name=str(number)))
    assert [len(told.events) for told in (first, second)] == [2, 2]
    assert run.log.path.read_text("utf-8").count("Told no longer shows this run: ") == 2
    assert read_record(run.folder).error is None


@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_record_is_written_takes_effect_afterwards(ends: signal.Signals) -> None:
    """It was a PydanticSerializationError, and a bug message in place of exit code 130."""
    before = signal.signal(ends, signal.default_int_handler)
    done: list[str] = []

    def write() -> None:
        with deferring_signals():
            os.kill(os.getpid(), ends)
            done.append(make_record().model_dump_json())

    try:
        with pytest.raises(KeyboardInterrupt):
            write()
        assert signal.getsignal(ends) is signal.default_int_handler
    finally:
        signal.signal(ends, before)
    assert len(done) == 1


def test_a_clock_that_is_set_back_ends_no_run_before_it_began(config: BenchmarkConfig) -> None:
    """Which of two runs is older hung on it."""
    with open_run(config, Facts()) as run:
        pass
    ahead = run.record.model_copy(update={"started_at": now() + timedelta(hours=3)})
    later = Run(config, run.folder, ahead)
    later.fail(KeyboardInterrupt())
    later.log.close()
    record = read_record(run.folder)
    assert record.ended_at is not None
    assert timedelta(0) <= record.ended_at - record.started_at < timedelta(minutes=5)
