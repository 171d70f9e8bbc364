"""Shows in Prefect what a step says: its log lines, its progress."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast
from uuid import UUID

import httpx
from prefect import Task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.schemas.objects import State, TaskRun
from prefect.logging import get_run_logger

from benchy.errors import BenchyError
from benchy.logs import SlowReader
from benchy.protocol import Phase, Progress
from benchy.report import how_far, most_telling
from benchy.run import Run, current_run

RETRY_DELAYS_SECONDS: list[float] = [2, 30, 120]
LINES_A_RECORD = 200
LINE_LENGTH = 2000
SECONDS_BETWEEN_RECORDS = 2.0
MOST_PARTS = 50
"""Of benchmarks in one progress artifact."""
SECONDS_BETWEEN_MOVES = 1.0
SECONDS_TO_END = 5.0


@contextmanager
def shown_in_prefect(step: str) -> Iterator[Run]:
    """The open run, with its log and progress going to Prefect's task run.

    Prefect gets at most 200 lines in 2 s, and a note on what it does not get: 20,000 single lines take its API 37 s.
    """
    run = current_run()
    if run is None:
        raise RuntimeError("no run is open; tasks run inside the flow `benchy`")
    logger = get_run_logger()

    def deliver(lines: list[str]) -> None:
        logger.info("\n".join(line[:LINE_LENGTH] for line in lines))

    reader = SlowReader(deliver, capacity=LINES_A_RECORD, seconds=SECONDS_BETWEEN_RECORDS, whole_log=run.log.path)
    watcher = _ProgressArtifact(step)
    run.log.follow(reader)
    run.watchers.append(watcher)
    try:
        yield run
        watcher.finish()
    finally:
        run.watchers.remove(watcher)
        run.log.detach(reader)
        watcher.close()


@contextmanager
def shown_only(run: Run) -> Iterator[None]:
    """For what is shown in Prefect and kept elsewhere: if its server stays away, the step goes on without."""
    try:
        yield
    except httpx.HTTPError as error:  # after all the retries of Prefect's client
        run.log.write([f"Prefect's server does not take what this step shows there: {error}"])


def is_transient(_task: Task[..., Any], _task_run: TaskRun, state: State[Any]) -> bool:
    """Prefect's ``retry_condition_fn``: the same request may succeed when it is tried again."""
    error = state.result(raise_on_failure=False)
    if not isinstance(error, BenchyError):
        return False
    run = current_run()
    if run is not None:
        what_next = "trying again" if error.transient else "not tried again, since it would fail again"
        run.log.write([f"{type(error).__name__}: {error.message}; {what_next}"])
    return error.transient


class _ProgressArtifact:
    """One progress artifact of a task run, moved at most once a second.

    On a thread of its own, since a server that is away holds its client up for minutes, and the step must go on.
    """

    def __init__(self, step: str) -> None:
        self._key = f"{step.replace('_', '-')}-progress"
        self._id: UUID | None = None
        self._latest: Progress | None = None
        self._is_full = False
        self._moved, self._ended = threading.Event(), threading.Event()
        in_this_task_run = contextvars.copy_context().run
        self._thread = threading.Thread(target=in_this_task_run, args=(self._follow,), daemon=True)
        self._thread.start()

    def on_event(self, event: Progress | Phase) -> None:
        """Move it, soon."""
        if isinstance(event, Progress) and event.total:
            self._latest = event
            self._moved.set()

    def finish(self) -> None:
        """A bar that was shown ends full, with what was said last."""
        self._is_full = True

    def close(self) -> None:
        """Show how it ended."""
        self._ended.set()
        self._moved.set()
        self._thread.join(timeout=SECONDS_TO_END)

    def _follow(self) -> None:
        while self._moved.wait() and not self._ended.is_set():
            self._moved.clear()
            self._move()
            self._ended.wait(SECONDS_BETWEEN_MOVES)
        self._move()

    def _move(self) -> None:
        event = self._latest
        if event is None or not event.total:
            return
        percent = 100.0 if self._is_full else 100 * min(event.done / event.total, 1.0)
        text = "  \n".join(f"{one.label}: {how_far(one)}" for one in (event, *most_telling(event.parts, MOST_PARTS)))
        with suppress(httpx.HTTPError):  # the next one may arrive
            if self._id is None:
                self._id = cast("UUID", create_progress_artifact(percent, key=self._key, description=text))
            else:
                update_progress_artifact(self._id, percent, description=text)
