"""The flow ``benchy``: the three tasks in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from uuid import UUID

import httpx
from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from benchy.config import BenchmarkConfig, load_config, with_overrides
from benchy.errors import naming_unexpected
from benchy.masking import mask_log_records
from benchy.runs.opening import find_open_run, open_run
from benchy.runs.run import Run
from benchy.runtimes.choose import choose_runtime
from flows.cancellation import ending_when_cancelled
from flows.containers import end_containers_of_run
from flows.hosts import HOST, host_tag
from flows.patience import preflight_patiently
from flows.served_configs import require_served
from flows.without_prefect import finish
from tasks.evaluation import evaluation
from tasks.model_test import model_test
from tasks.upload import upload


@flow(
    name="benchy",
    on_cancellation=[end_containers_of_run],
    on_crashed=[end_containers_of_run],
    on_failure=[end_containers_of_run],
)
def benchy(
    config: str,
    limit: float | None = None,
    tasks: str | list[str] | None = None,
    gpus: list[int | str] | None = None,
    model: str | None = None,
) -> str:
    """Test, evaluate and publish a model.

    Args:
        config: A YAML file, e.g. configs/demo.yaml.
        limit: Only so many documents of each benchmark (below 1: that fraction). Marks the run as a test.
        tasks: Other benchmarks than the file's.
        gpus: Other GPUs than the file's: indices or UUIDs.
        model: Another model than the file's: a repository on the Hub or a folder.

    Returns:
        The run's folder.
    """
    mask_log_records()
    with naming_unexpected(), ending_when_cancelled(UUID(flow_run.id)):
        require_served(config, tasks)
        overridden = with_overrides(load_config(Path(config)), limit=limit, tasks=tasks, gpus=gpus, model=model)
        with _run_of_this_flow(overridden) as run:
            try:
                model_test(run.name)
                evaluation(run.name)
                upload(run.name)
            except httpx.HTTPError as lost:  # Prefect's server is away, for longer than it is waited for
                finish(run, lost)
            return str(run.folder)


_opened_before: ContextVar[str | None] = ContextVar("opened_before", default=None)
"""The name of the run that the flow's caller opened: no parameter, since a deployment's form would show it."""


@contextmanager
def doing(run: Run) -> Iterator[None]:
    """Have the flow do a run that is open already, for the length of the block: here alone, and not in other threads.

    `benchy run` opens its run while Prefect is starting.
    """
    token = _opened_before.set(run.name)
    try:
        yield
    finally:
        _opened_before.reset(token)


@contextmanager
def _run_of_this_flow(config: BenchmarkConfig) -> Iterator[Run]:
    """Provide the run that the caller opened before, or else a new one; named in Prefect."""
    already_open = find_open_run(_opened_before.get() or "")
    if already_open is not None:
        already_open.belongs_to(str(flow_run.id))
        _name_flow_run(already_open)
        yield already_open
        return
    runtime = choose_runtime(config)
    facts = preflight_patiently(config, runtime, get_run_logger().warning)
    with open_run(config, facts, runtime=runtime, flow_run_id=str(flow_run.id)) as run:
        _name_flow_run(run)
        if run.record.model_test is None:  # a retry of the flow run may need no worker at all
            run.start_worker_early()
        yield run


def _name_flow_run(run: Run) -> None:
    others = [tag for tag in flow_run.tags if not tag.startswith(HOST)]  # it may have been tried on another host
    with get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, name=run.name, tags=[*others, host_tag()])
