"""Shows in Prefect what a step says: its log lines, its progress."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from prefect import Task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.schemas.objects import State, TaskRun
from prefect.logging import get_run_logger

from benchy.errors import BenchyError
from benchy.logs import SlowReader
from benchy.protocol import Phase, Progress
from benchy.report import how_far
from benchy.run import Run, current_run

RETRY_DELAYS_SECONDS: list[float] = [2, 30, 120]
LINES_A_RECORD = 200
LINE_LENGTH = 2000
SECONDS_BETWEEN_RECORDS = 2.0


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
    """One progress artifact of a task run, moved at most once a second."""

    def __init__(self, step: str) -> None:
        self._key = f"{step.replace('_', '-')}-progress"
        self._id: UUID | None = None
        self._moved = 0.0
        self._text = ""

    def on_event(self, event: Progress | Phase) -> None:
        """Move it."""
        if isinstance(event, Phase) or not event.total:
            return
        self._text = "  \n".join(f"{one.label}: {how_far(one)}" for one in (event, *event.parts))
        if time.monotonic() - self._moved >= 1:
            self._moved = time.monotonic()
            self._move(100 * min(event.done / event.total, 1.0))

    def finish(self) -> None:
        """A bar that was shown ends full, with what was said last."""
        if self._id is not None:
            self._move(100.0)

    def _move(self, percent: float) -> None:
        if self._id is not None:
            update_progress_artifact(self._id, percent, description=self._text)
            return
        created = create_progress_artifact(percent, key=self._key, description=self._text)
        assert isinstance(created, UUID)  # noqa: S101 - a coroutine only in async code
        self._id = created
