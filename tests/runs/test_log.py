"""The run's log: the file has every line, slow readers are told what they miss, nobody waits for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchy.runs.log import RunLog
from benchy.runs.log_reader import SlowReader
from tests.disks import fill, mounted


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RunLog]:
    opened = RunLog(tmp_path / "logs" / "run.log")
    yield opened
    opened.close()


def lines_of(log: RunLog) -> list[str]:
    return log.path.read_text(encoding="utf-8").splitlines()


def test_lines_are_in_the_file_as_soon_as_they_are_written(log: RunLog) -> None:
    log.write(["one", "two"])
    assert lines_of(log) == ["one", "two"]


def test_a_reader_gets_what_no_follower_has_seen_and_what_is_written_while_it_is_attached(log: RunLog) -> None:
    got: list[str] = []
    reader = SlowReader(got.extend, capacity=100, seconds=0, whole_log=log.path)
    log.write(["before"])
    log.attach(reader)
    log.write(["during"])
    log.detach(reader)
    log.write(["after"])
    assert got == ["before", "during"]


def test_a_follower_gets_what_was_written_since_the_last_one_left(log: RunLog) -> None:
    got: list[str] = []
    log.write(["before all"])
    for turn in ("one", "two"):
        reader = SlowReader(got.extend, capacity=100, seconds=0, whole_log=log.path)
        log.follow(reader)
        log.write([f"during {turn}"])
        log.detach(reader)
        log.write([f"after {turn}"])
    assert got == ["before all", "during one", "after one", "during two"]


def test_a_reader_that_does_not_keep_up_is_told_how_much_it_missed(log: RunLog) -> None:
    got: list[str] = []
    may_read, has_first = threading.Event(), threading.Event()

    def deliver(lines: list[str]) -> None:
        has_first.set()
        may_read.wait(timeout=60)
        got.extend(lines)

    reader = SlowReader(deliver, capacity=10, seconds=0, whole_log=log.path)
    log.attach(reader)
    log.write(["first"])
    assert has_first.wait(timeout=60)
    log.write([f"line {n}" for n in range(10_000)])  # returns although nobody reads
    may_read.set()
    log.detach(reader)
    assert got[:2] == ["first", "line 0"]
    assert len(got) == 1 + 10 + 1
    assert got[-1] == f"[9,990 lines left out here; {log.path} has all]"
    assert len(lines_of(log)) == 10_001


def test_lines_from_many_threads_stay_whole(log: RunLog) -> None:
    def write(name: str) -> None:
        for _ in range(200):
            log.write([name * 50, name * 50])

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lines_of(log)) == sorted([name * 50 for name in "abcd"] * 400)


def test_a_reader_that_breaks_ends_its_delivery_and_not_the_run(log: RunLog) -> None:
    def deliver(_lines: list[str]) -> None:
        raise BrokenPipeError("the terminal is gone")

    reader = SlowReader(deliver, capacity=10, seconds=0, whole_log=log.path)
    log.attach(reader)
    log.write(["one"])
    log.detach(reader)
    log.write(["two"])
    assert sorted(lines_of(log)) == [
        "[benchy: lines are no longer shown elsewhere: the terminal is gone]",
        "one",
        "two",
    ]


def test_a_full_disk_is_said_once_and_ends_nothing(tmp_path: Path) -> None:
    """The line that could not be written ended the thread that reads the worker, and both waited for ever."""
    with mounted(tmp_path / "small", "size=64k") as disk, closing(RunLog(disk / "run.log")) as log:
        got: list[str] = []
        reader = SlowReader(got.extend, capacity=100, seconds=0, whole_log=log.path)
        log.attach(reader)
        log.write(["before"])
        fill(disk / "filler")
        for number in range(3):
            log.write(["x" * 5000, f"line {number}"])
        (disk / "filler").unlink()
        log.write(["after"])
        log.detach(reader)
        assert (
            got.count(f"{log.path} cannot be written (No space left on device): the run goes on without its log") == 1
        )
        assert [line for line in got if line.startswith("line")] == ["line 0", "line 1", "line 2"]
        assert [line for line in lines_of(log) if not line.startswith("x")][-2:] == [
            "[6 lines could not be written here]",
            "after",
        ]


def test_a_thread_that_speaks_after_the_end_is_not_heard_and_does_not_fail(log: RunLog) -> None:
    log.write(["before"])
    log.close()
    log.write(["after"])
    log.keep(["after"])
    assert lines_of(log) == ["before"]
