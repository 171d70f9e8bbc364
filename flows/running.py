"""Runs the flow in this process, as ``benchy run`` does."""

from __future__ import annotations

from typing import Any

from prefect.client.orchestration import get_client
from prefect.exceptions import TerminationSignal
from prefect.settings import get_current_settings

from benchy.errors import Interrupted, NetworkError
from flows.benchmark import benchy


def run_flow(config: str, changes: dict[str, Any]) -> None:
    """Run the flow on the configured Prefect server, or else on an embedded one.

    Raises:
        NetworkError: the configured server does not answer.
        BenchyError: what ended the run.
    """
    _require_server()
    try:
        benchy(config, **changes)
    except KeyboardInterrupt as stop:
        raise Interrupted("the run was interrupted") from stop
    except TerminationSignal as stop:  # Prefect's own answer to SIGTERM
        raise Interrupted("the run was stopped by SIGTERM") from stop


def _require_server() -> None:
    url = get_current_settings().api.url
    if url is None:
        return
    with get_client(sync_client=True) as client:
        problem = client.api_healthcheck()
    if problem is not None:
        raise NetworkError(
            f"the Prefect server at {url} does not answer: {problem}",
            hint="start it (`prefect server start`), or unset PREFECT_API_URL to use an embedded one",
        )
