"""Runs the flow in this process, as ``benchy run`` does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from benchy.errors import BenchyError, Interrupted, NetworkError, causes, is_disk_full
from benchy.fast_imports import collecting_no_garbage
from benchy.runs.run import Run
from flows.embedded_server import EmbeddedServer
from flows.prefect_database import put_aside_if_unreadable

_UNSET = "unset PREFECT_API_URL, in the environment or in Prefect's profile (`prefect config unset PREFECT_API_URL`),"
SECONDS_FOR_LAST_LINES = 10.0
"""Prefect's threads may take so long at the end to tell the server what it has not heard yet."""


def run_flow(run: Run, config: str, changes: dict[str, Any]) -> None:
    """Run the flow on the configured Prefect server, or else on an embedded one; where that is lost, without.

    Args:
        run: the open run.
        config: the YAML file.
        changes: the flow's other parameters.

    Raises:
        NetworkError: the configured server does not answer.
        BenchyError: what ended the run.
    """
    started = time.time()  # the server starts while Prefect is imported
    embedded = None if os.environ.get("PREFECT_API_URL") else EmbeddedServer(run.log)
    with collecting_no_garbage():
        from prefect.exceptions import Abort, TerminationSignal

        from flows.benchmark import benchy, doing

    try:
        with doing(run):
            _run_anyhow(run, embedded, started, lambda: benchy(config, **changes))
    except KeyboardInterrupt as stop:
        raise Interrupted("the run was interrupted") from stop
    except TerminationSignal as stop:  # Prefect's own answer to SIGTERM
        raise Interrupted("the run was stopped by SIGTERM") from stop
    except Abort as stop:
        raise Interrupted("the run was cancelled in Prefect") from stop


def _run_anyhow(run: Run, embedded: EmbeddedServer | None, started: float, flow: Callable[[], object]) -> None:
    """Under Prefect if its server is there, and to the end if not."""
    from prefect.settings import get_current_settings

    from flows.servers import require_answer
    from flows.without_prefect import finish

    configured = get_current_settings().api.url  # a profile of Prefect's may name one too
    if configured is not None:
        if embedded is not None:
            embedded.stop()
        require_answer(configured, hint=f"start it (`prefect server start`), or {_UNSET} to use an embedded one")
        _run_watched(run, configured, None, flow)
    elif embedded is not None:
        try:
            embedded = _start_surely(run, embedded, started)
        except NetworkError as error:
            finish(run, error)
        else:
            _run_watched(run, embedded.url, embedded, flow)


def _start_surely(run: Run, embedded: EmbeddedServer, started: float) -> EmbeddedServer:
    """Return the server when it answers; on a new database if it cannot read its own."""
    try:
        embedded.wait_until_ready()
    except NetworkError as error:
        aside = put_aside_if_unreadable(error.message, since=started)
        if aside is None:
            raise
        run.log.write([f"{error.message}: its database is now {aside}, and a new one is made"])
        embedded = EmbeddedServer(run.log)
        embedded.wait_until_ready()
    return embedded


def _run_watched(run: Run, url: str, embedded: EmbeddedServer | None, flow: Callable[[], object]) -> None:
    """Run the flow; where the server is lost on the way, do the rest of its steps without."""
    from flows.prefect_client import deliver_rest, use_server
    from flows.server_watch import ServerWatch
    from flows.without_prefect import finish
    from tasks.lost_server import is_of_lost_server

    use_server(url, embedded.password if embedded else None)
    watch = ServerWatch(url, run.log.write, embedded)
    try:
        with watch.watching():
            try:
                flow()
            finally:
                deliver_rest(1.0 if watch.gave_up else SECONDS_FOR_LAST_LINES)
    except BenchyError as error:
        if not (watch.gave_up and is_of_lost_server(error)):
            raise
        finish(run, error)
    except Exception as error:
        no_space = any(is_disk_full(cause) for cause in causes(error))  # where Prefect keeps its results
        if not (watch.gave_up or no_space or is_of_lost_server(error)):
            raise
        finish(run, error)
