"""What a person sees while a run goes on, drawn on a real rich console."""

from __future__ import annotations

import io
import os
from contextlib import suppress

import pytest
from rich.console import Console

from benchy.display.tables import how_far
from benchy.display.terminal import MOST_BARS, MOST_EVENTS, Aside, Bars
from benchy.protocol import Progress


def progress(label: str, done: float, total: float | None = 10, **changes: object) -> Progress:
    return Progress.model_validate({"label": label, "done": done, "total": total, "unit": "requests"} | changes)


def evaluation(*parts: Progress) -> Progress:
    return progress("evaluation", 5, 100, rate=2.5, seconds_left=38, parts=parts)


def drawn(*events: Progress) -> list[str]:
    """Return the lines of a terminal after the last event."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    bars = Bars(console)
    for event in events:
        bars.on_event(event)
    with console.capture() as capture:
        console.print(bars.rendered())
    return capture.get().splitlines()


def test_a_bar_for_all_and_one_for_each_benchmark() -> None:
    long = "mmlu_high_school_government_and_politics"
    lines = drawn(progress("Loading weights", 3), evaluation(progress("arc", 4), progress(long, 1)))
    assert [line.split()[0] for line in lines] == ["evaluation", "arc", "mmlu_high_school_governme…"]
    assert "╸ " in lines[0], "1 of 20 halves of the bar"
    assert lines[0].rstrip().endswith(" 5/100 requests, 2.5/s, 0:00:38 left")


def test_of_many_benchmarks_those_that_go_on_are_shown() -> None:
    done = [progress(f"done {number}", 10) for number in range(30)]
    going_on = [progress(f"on {number}", 1) for number in range(MOST_BARS - 1)]
    lines = drawn(evaluation(*done, *going_on, progress("waits", 0)))
    assert len(lines) == 1 + MOST_BARS
    assert not any("done" in line for line in lines)
    assert "waits" in lines[-1]


def test_a_pipe_gets_a_line_now_and_then() -> None:
    file = io.StringIO()
    bars = Bars(Console(file=file))
    for done in range(11):
        bars.on_event(progress("Building", done))
    assert file.getvalue().splitlines()[-1] == "Building: 10/10 requests"
    assert len(file.getvalue().splitlines()) == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"done": 1200, "total": 4000, "rate": 35.21, "seconds_left": 79.6},
            "1,200/4,000 requests, 35.2/s, 0:01:20 left",
        ),
        ({"done": 4000, "total": 4000, "rate": 12345.6, "seconds_left": 0}, "4,000/4,000 requests, 12,346/s"),
        ({"done": 7, "total": None}, "7 requests"),
    ],
)
def test_how_far(changes: dict[str, float], says: str) -> None:
    assert how_far(progress("x", **changes)) == says


def test_a_pipe_that_nobody_reads_stops_no_run() -> None:
    """Progress was written by the thread that waits for the worker: a pager that was left alone held it up."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while os.write(writer, bytes(4096)):
            pass
    os.set_blocking(writer, True)
    with os.fdopen(writer, "w") as file:
        aside = Aside(Bars(Console(file=file)))
        for number in range(3 * MOST_EVENTS):
            aside.on_event(progress(f"step {number}", 10))
        aside.close()
        os.close(reader)
        with suppress(OSError):
            file.flush()
