"""Ends a flow that was cancelled in Prefect while nobody listened.

The service listens, but after a minute without its server it no longer does (Prefect 3.8.8), and a run that
``benchy run`` started has no service. So the flow's own process asks too.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import Abort, TerminationSignal
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Cancelled

SECONDS_BETWEEN_QUESTIONS = 5.0


@contextmanager
def ending_when_cancelled(flow_run_id: UUID) -> Iterator[None]:
    """End what goes on in the main thread if the flow run is cancelled.

    Raises:
        Abort: it was; the server knows that it ended.
    """
    left, heard = threading.Event(), threading.Event()
    threading.Thread(target=_listen, args=(flow_run_id, left, heard), daemon=True).start()
    try:
        yield
    except TerminationSignal as stop:
        if not heard.is_set():
            raise
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(flow_run_id, Cancelled(), force=True)
        raise Abort("the flow run was cancelled") from stop  # Prefect's engine changes no state after it
    finally:
        left.set()


def _listen(flow_run_id: UUID, left: threading.Event, heard: threading.Event) -> None:
    """Ask now and then. The first yes is left to the service, which ends the flow as Prefect means it."""
    cancelled_before = False
    while not left.wait(SECONDS_BETWEEN_QUESTIONS):
        cancelled = _is_cancelled(flow_run_id)
        if cancelled and cancelled_before:
            heard.set()
            os.kill(os.getpid(), signal.SIGTERM)
            return
        cancelled_before = cancelled


def _is_cancelled(flow_run_id: UUID) -> bool:
    """Return what its server says; no if that is away, so that the run goes on."""
    try:
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), get_client(sync_client=True) as client:
            state = client.read_flow_run(flow_run_id).state
    except httpx.HTTPError:
        return False
    return state is not None and (state.is_cancelling() or state.is_cancelled())
