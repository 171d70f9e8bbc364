"""Watches the Prefect server of a run, and ends the waiting for one that does not come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from benchy.runtimes.base import Say
from flows.embedded_server import EmbeddedServer
from flows.prefect_client import wait_for_no_server

SECONDS_BETWEEN_LOOKS = 5.0
SECONDS_BETWEEN_GLANCES = 0.2
"""At the process of an embedded server."""
PATIENCE_SECONDS = 600.0
"""With a server elsewhere that does not answer; its client's own attempts at one request take about as long."""
PATIENCE_WITH_OWN_SECONDS = 120.0
"""With an embedded one, which is a child process on the same machine."""


class ServerWatch:
    """A thread that asks the server for its health until the run is over."""

    def __init__(self, url: str, say: Say, embedded: EmbeddedServer | None) -> None:
        """Prepare the watch.

        Args:
            url: of the server's API.
            say: gets what people have to know, with how long is waited.
            embedded: the server, where it is this process's own child.
        """
        self._url, self._say, self._embedded = url, say, embedded
        self._patience = PATIENCE_SECONDS if embedded is None else PATIENCE_WITH_OWN_SECONDS
        self._left = threading.Event()
        self._away_since: float | None = None
        self.gave_up = False
        """The server is no longer waited for."""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch for the length of the block."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._left.set()
            thread.join(timeout=1)  # it may be waiting for an answer; it ends with this process

    def _watch(self) -> None:
        next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
        while not self.gave_up and not self._left.wait(SECONDS_BETWEEN_GLANCES):
            if self._embedded is not None and (reason := self._embedded.why_ended()):
                self._give_up(f"Prefect's embedded server {reason}")
            elif time.monotonic() > next_look:
                self._look()
                next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS

    def _look(self) -> None:
        answers, now = _answers(), time.monotonic()
        if answers and self._away_since is not None:
            self._say([f"Prefect's server at {self._url} answers again"])
        elif not answers and self._away_since is None:
            waits = f"the run goes on, and waits for it no longer than {self._patience:.0f} s"
            self._say([f"Prefect's server at {self._url} does not answer; {waits}"])
        self._away_since = None if answers else self._away_since or now
        if self._away_since is not None and now - self._away_since > self._patience:
            self._give_up(f"Prefect's server at {self._url} has not answered for {self._patience:.0f} s")

    def _give_up(self, reason: str) -> None:
        self.gave_up = True
        wait_for_no_server()
        if self._embedded is not None:
            self._embedded.stop()
        self._say([f"{reason}; the run goes on without Prefect"])


def _answers() -> bool:
    """Whether it does, asked twice: a busy one may miss one question."""
    return any(_answers_once() for _ in range(2))


def _answers_once() -> bool:
    """By Prefect's own client, with all that is set for it."""
    impatient = {PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_API_REQUEST_TIMEOUT: 10}
    try:
        with temporary_settings(impatient), get_client(sync_client=True) as client:
            return client.api_healthcheck() is None
    except httpx.HTTPError:
        return False
