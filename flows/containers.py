"""Ends the workers that a flow run left behind: containers are found by their label, in whichever process this runs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Crashed

from benchy.config import load_config
from benchy.errors import BenchyError
from benchy.runtimes.choose import end_workers
from flows.hosts import host_tag


def end_containers_of_run(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001
    """Prefect's hook for a run that was cancelled, crashed or failed; it runs after the flow's process is dead."""
    _end_workers(flow_run)


def _end_workers(flow_run: FlowRun) -> None:
    """Where its config says that they run; where it does not, or cannot be read any more, containers."""
    runtime = None
    with suppress(BenchyError):
        runtime = load_config(Path(str((flow_run.parameters or {}).get("config")))).runtime
    end_workers(str(flow_run.id), runtime)


def sweep(deployments: list[str]) -> None:
    """At the start of this host's service of these deployments: what ran here under the last one is orphaned.

    When a service and its flows are killed together, nobody is left to tell the server.
    """
    with get_client(sync_client=True) as client:
        orphans = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["benchy"])),
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=deployments)),
            flow_run_filter=FlowRunFilter(
                tags=FlowRunFilterTags(all_=[host_tag()]),
                state=FlowRunFilterState(
                    type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
                ),
            ),
        )
        for orphan in orphans:
            _end_workers(orphan)
            client.set_flow_run_state(orphan.id, Crashed(message="its service was killed"), force=True)
