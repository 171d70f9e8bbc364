"""The terminal: log lines and a progress bar on stderr, results on stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from benchy.errors import BenchyError
from benchy.logs import SlowReader
from benchy.protocol import Phase
from benchy.protocol import Progress as ProgressEvent
from benchy.report import Row

if TYPE_CHECKING:
    from benchy.run import Run

UNBOUNDED = 1000
"""Columns of a table that is never cut; a narrow terminal wraps its lines."""
SECONDS_BETWEEN_LINES = 5.0
"""Of progress, where the output is a file or a pipe."""


@contextmanager
def shown_on_terminal(run: Run) -> Iterator[None]:
    """Show a run's log and progress as they come."""
    bar = _Bar(Console(stderr=True, highlight=False))
    reader = SlowReader(bar.print_lines, capacity=100_000, seconds=0.05, whole_log=run.log.path)
    run.log.attach(reader)
    run.watchers.append(bar)
    try:
        with bar.drawn():
            try:
                yield
            finally:
                run.log.detach(reader)
    finally:
        run.watchers.remove(bar)


def print_error(error: BenchyError) -> None:
    """One error line, what to do, and where to read more; the traceback is in the log alone."""
    more = [f"  → {error.hint}"] if error.hint else []
    more += [f"  {note}" for note in getattr(error, "__notes__", [])]
    print("\n".join([f"❌ {type(error).__name__}: {error.message}", *more]), file=sys.stderr)  # noqa: T201


def print_table(rows: list[Row], *, title: str) -> None:
    """Rows of equal keys as a table on stdout, never cut."""
    if not rows:
        return
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in rows[0]:
        table.add_column(column, justify="right" if rows[0][column][:1].isdigit() else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row.values())
    Console(highlight=False, width=UNBOUNDED).print(table)


class _Bar:
    """The progress of what is going on now: a live bar on a terminal, else a line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"))
        self._progress = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
        self._shown: TaskID | None = None
        self._label = ""
        self._said = 0.0

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Draw it below the log lines."""
        if not self._console.is_terminal:
            yield
            return
        with self._progress:
            yield

    def print_lines(self, lines: list[str]) -> None:
        """Log lines go above the bar; a pipe gets them as they are."""
        text = "\n".join(lines)
        if self._console.is_terminal:
            self._console.print(text, markup=False, soft_wrap=True)
        else:
            self._console.file.write(f"{text}\n")
            self._console.file.flush()

    def on_event(self, event: ProgressEvent | Phase) -> None:
        """Move the bar."""
        if isinstance(event, Phase):
            return
        count = f"{event.done:,.0f}/{event.total:,.0f} {event.unit}" if event.total else f"{event.done:,.0f}"
        if self._console.is_terminal:
            self._draw(event, count)
        elif event.done == event.total or time.monotonic() - self._said > SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            self._console.file.write(f"{event.label}: {count}\n")

    def _draw(self, event: ProgressEvent, count: str) -> None:
        if self._shown is None or event.label != self._label:
            if self._shown is not None:
                self._progress.remove_task(self._shown)
            self._shown = self._progress.add_task(event.label, total=event.total, count=count)
            self._label = event.label
        self._progress.update(self._shown, completed=event.done, total=event.total, count=count)
