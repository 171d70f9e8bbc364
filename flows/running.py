"""Runs the flow in this process, as ``benchy run`` does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from benchy.errors import Interrupted
from benchy.fast_imports import collecting_no_garbage
from flows.embedded_server import EmbeddedServer
from flows.servers import require_answer


def run_flow(config: str, changes: dict[str, Any], *, log: Path) -> None:
    """Run the flow on the configured Prefect server, or else on an embedded one.

    Args:
        config: the YAML file.
        changes: the flow's other parameters.
        log: gets what an embedded server complains about.

    Raises:
        NetworkError: the server does not answer.
        BenchyError: what ended the run.
    """
    embedded = None if os.environ.get("PREFECT_API_URL") else EmbeddedServer(log)  # it starts while Prefect is imported
    with collecting_no_garbage():
        from prefect.exceptions import Abort, TerminationSignal

        from flows.benchmark import benchy

    _use_server(embedded)
    try:
        benchy(config, **changes)
    except KeyboardInterrupt as stop:
        raise Interrupted("the run was interrupted") from stop
    except TerminationSignal as stop:  # Prefect's own answer to SIGTERM
        raise Interrupted("the run was stopped by SIGTERM") from stop
    except Abort as stop:
        raise Interrupted("the run was cancelled in Prefect") from stop


def _use_server(embedded: EmbeddedServer | None) -> None:
    """Wait for the server that is to be used: a profile of Prefect's may name one too."""
    from prefect.context import refresh_global_settings_context
    from prefect.settings import get_current_settings

    configured = get_current_settings().api.url
    if configured is not None:
        if embedded is not None:
            embedded.stop()
        hint = "start it (`prefect server start`), or unset PREFECT_API_URL to use an embedded one"
        require_answer(configured, hint=hint)
    elif embedded is not None:
        embedded.wait_until_ready()
        os.environ["PREFECT_API_URL"] = embedded.url
        refresh_global_settings_context()  # Prefect's threads for logs and events read it too
