"""Prefect's client in this process: which server it asks, and how long it waits for one."""

from __future__ import annotations

import logging
import os


def use_server(url: str, password: str | None = None) -> None:
    """Let the client, and Prefect's threads for logs and events, ask this server from now on, with its password."""
    _set(PREFECT_API_URL=url, **({"PREFECT_API_AUTH_STRING": password} if password else {}))


def wait_for_no_server() -> None:
    """Let each request fail that the server does not answer at once, and Prefect's threads be silent about theirs."""
    logging.raiseExceptions = False
    logging.getLogger("prefect._internal.concurrency").setLevel(logging.CRITICAL)
    _set(PREFECT_CLIENT_MAX_RETRIES="0", PREFECT_API_REQUEST_TIMEOUT="5")


def deliver_rest(seconds: float) -> None:
    """Wait until the server has what Prefect's threads for logs and events hold, but no longer than so."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=seconds / 2)


def _set(**variables: str) -> None:
    from prefect.context import refresh_global_settings_context

    os.environ.update(variables)
    refresh_global_settings_context()
