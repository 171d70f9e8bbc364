"""The terminal: log lines and a progress bar on stderr, results on stdout."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column, Table

from benchy.display.tables import Row, how_far, most_telling
from benchy.errors import BenchyError, shortened
from benchy.plain_text import plain, plain_line
from benchy.protocol import Phase
from benchy.protocol import Progress as ProgressEvent
from benchy.runs.log_reader import SlowReader

if TYPE_CHECKING:
    from benchy.runs.run import Run

UNBOUNDED = 1000
"""Columns of a table that is never cut; a narrow terminal wraps its lines."""
SECONDS_BETWEEN_LINES = 5.0
"""Of progress, where the output is a file or a pipe."""
MOST_EVENTS = 1000
"""That wait for a terminal."""
MOST_BARS = 10
"""Of benchmarks, below the bar of all."""


@contextmanager
def shown_on_terminal(run: Run) -> Iterator[None]:
    """Show a run's log and progress as they come."""
    bars = Bars(Console(stderr=True, highlight=False))
    reader = SlowReader(bars.print_lines, capacity=100_000, seconds=0.05, whole_log=run.log.path)
    run.log.attach(reader)
    with bars.drawn(), closing(Aside(bars)) as watcher, run.watched_by(watcher):
        try:
            yield
        finally:
            run.log.detach(reader)


@contextmanager
def progress_on_terminal() -> Iterator[Callable[[ProgressEvent | Phase], None]]:
    """Give a function that shows the progress of work that is no run."""
    bars = Bars(Console(stderr=True, highlight=False))
    with bars.drawn(), closing(Aside(bars)) as aside:
        yield aside.on_event


class Aside:
    """Hands events on, on a thread of its own: a terminal that was stopped (Ctrl-S), or a full pipe, stops no run."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._events: queue.Queue[ProgressEvent | Phase | None] = queue.Queue(MOST_EVENTS)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def on_event(self, event: ProgressEvent | Phase) -> None:
        """Wait for nobody: what a stopped terminal misses it misses."""
        with suppress(queue.Full):
            self._events.put_nowait(event)

    def close(self) -> None:
        """Let it show what came, where that takes no time."""
        with suppress(queue.Full):
            self._events.put_nowait(None)
        self._thread.join(timeout=1)

    def _follow(self) -> None:
        with suppress(OSError, ValueError):  # it was closed
            while (event := self._events.get()) is not None:
                self._bars.on_event(event)


def print_error(error: BenchyError) -> None:
    """One error line, what to do, and where to read more; the traceback is in the log alone."""
    notes = [f"  {shortened(note)}" for note in getattr(error, "__notes__", [])]  # where the log is, which may be far
    print(plain("\n".join([f"❌ {type(error).__name__}: {error.message}", *notes])), file=sys.stderr)  # noqa: T201


def print_table(rows: list[Row], *, title: str) -> None:
    """Rows of equal keys as a table on stdout, never cut."""
    if not rows:
        return
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in rows[0]:
        table.add_column(column, justify="right" if rows[0][column][:1].isdigit() else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(plain_line, row.values()))
    Console(highlight=False, width=UNBOUNDED).print(table)


class Bars:
    """The progress of what is going on now: live bars on a terminal, else a line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        name = Column(no_wrap=True, max_width=26)  # so that all fits into 80 columns
        columns = (
            TextColumn("{task.description}", table_column=name),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[how_far]}"),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._shown: dict[str, TaskID] = {}
        self._said = 0.0

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Draw them below the log lines."""
        if not self._console.is_terminal:
            yield
            return
        with self._progress:
            yield

    def rendered(self) -> RenderableType:
        """As they are drawn."""
        return self._progress.get_renderable()

    def print_lines(self, lines: list[str]) -> None:
        """Log lines go above the bars; a pipe gets them as they are."""
        text = "\n".join(lines)
        if self._console.is_terminal:
            self._console.print(text, markup=False, soft_wrap=True)
        else:
            self._console.file.write(f"{text}\n")
            self._console.file.flush()

    def on_event(self, event: ProgressEvent | Phase) -> None:
        """Move the bars."""
        if isinstance(event, Phase):
            return
        if self._console.is_terminal:
            self._draw([event, *most_telling(event.parts, MOST_BARS)])
        elif event.done == event.total or time.monotonic() - self._said > SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            self._console.file.write(f"{event.label}: {how_far(event)}\n")

    def _draw(self, events: list[ProgressEvent]) -> None:
        """Draw these bars and no others."""
        for label in self._shown.keys() - {event.label for event in events}:
            self._progress.remove_task(self._shown.pop(label))
        for event in events:
            if event.label not in self._shown:
                self._shown[event.label] = self._progress.add_task(event.label, total=event.total, how_far="")
            self._progress.update(
                self._shown[event.label], completed=event.done, total=event.total, how_far=how_far(event)
            )
