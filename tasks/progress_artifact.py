"""Shows a step's progress as one artifact on Prefect's page."""

from __future__ import annotations

import contextvars
import threading
from contextlib import suppress
from typing import cast
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from benchy.display.tables import how_far, most_telling
from benchy.protocol import Phase, Progress
from tasks.markdown import as_plain_markdown

MOST_PARTS = 50
"""Of benchmarks in one progress artifact."""
SECONDS_BETWEEN_MOVES = 1.0
SECONDS_TO_END = 5.0


class ProgressArtifact:
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
        """Fill a bar that was shown, with what was said last."""
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
        told = (f"{one.label}: {how_far(one)}" for one in (event, *most_telling(event.parts, MOST_PARTS)))
        text = "  \n".join(map(as_plain_markdown, told))
        with suppress(httpx.HTTPError):  # the next one may arrive
            if self._id is None:
                self._id = cast("UUID", create_progress_artifact(percent, key=self._key, description=text))
            else:
                update_progress_artifact(self._id, percent, description=text)
