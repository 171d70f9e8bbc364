"""Lines are handed on in their order; a reader that is slow or gone costs lines, and never the run."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from benchy.runs.log_reader import SlowReader


class Gate:
    """A terminal that takes a batch only when it is let to."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.called = threading.Event()
        self.open = threading.Event()

    def __call__(self, lines: list[str]) -> None:
        self.called.set()
        assert self.open.wait(30)
        self.batches.append(lines)


def test_all_lines_come_in_their_order(tmp_path: Path) -> None:
    came: list[str] = []
    reader = SlowReader(came.extend, capacity=1000, seconds=0, whole_log=tmp_path / "log")
    lines = [f"line {number}" for number in range(500)]
    for start in range(0, 500, 7):
        reader.offer(lines[start : start + 7])
    reader.close()
    assert came == lines


def test_what_waits_is_delivered_at_the_end_without_a_pause(tmp_path: Path) -> None:
    came: list[str] = []
    reader = SlowReader(came.extend, capacity=10, seconds=3600, whole_log=tmp_path / "log")
    reader.offer(["one"])
    reader.offer(["two"])
    reader.close()
    assert came == ["one", "two"]


@pytest.mark.parametrize(
    ("offers", "kept", "left_out"),
    [([12], 5, "7"), ([3, 3], 5, "1"), ([5], 5, None), ([5, 2000], 5, "2,000")],
)
def test_what_does_not_fit_is_counted_and_named(
    tmp_path: Path, offers: list[int], kept: int, left_out: str | None
) -> None:
    gate = Gate()
    reader = SlowReader(gate, capacity=5, seconds=0, whole_log=tmp_path / "log")
    reader.offer(["first"])
    assert gate.called.wait(30)
    for count in offers:
        reader.offer([f"line {number}" for number in range(count)])
    gate.open.set()
    reader.close()
    note = [f"[{left_out} lines left out here; {tmp_path / 'log'} has all]"] if left_out else []
    first, rest = gate.batches
    assert first == ["first"]
    assert (len(rest) - len(note), rest[kept:]) == (kept, note)


def test_nothing_is_delivered_of_nothing(tmp_path: Path) -> None:
    gate = Gate()
    reader = SlowReader(gate, capacity=5, seconds=0, whole_log=tmp_path / "log")
    reader.offer([])
    reader.close()
    assert gate.batches == []
    assert not gate.called.is_set()


def test_a_reader_that_fails_is_told_of_in_the_log_and_ends_no_run(tmp_path: Path) -> None:
    calls = []

    def deliver(lines: list[str]) -> None:
        calls.append(lines)
        raise BrokenPipeError("the terminal is gone")

    (tmp_path / "log").write_text("one\n", encoding="utf-8")
    reader = SlowReader(deliver, capacity=5, seconds=0, whole_log=tmp_path / "log")
    reader.offer(["one"])
    reader.close()
    reader.offer(["two"])
    reader.close()
    assert calls == [["one"]]
    said = (tmp_path / "log").read_text(encoding="utf-8")
    assert said == "one\n[benchy: lines are no longer shown elsewhere: the terminal is gone]\n"


def test_a_log_that_cannot_be_written_either_is_no_failure(tmp_path: Path) -> None:
    def deliver(_lines: list[str]) -> None:
        raise BrokenPipeError("the terminal is gone")

    reader = SlowReader(deliver, capacity=5, seconds=0, whole_log=tmp_path / "nowhere" / "log")
    reader.offer(["one"])
    reader.close()
    assert not (tmp_path / "nowhere").exists()
