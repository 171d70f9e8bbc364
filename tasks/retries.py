"""Which failures Prefect tries again, and after which delays."""

from __future__ import annotations

from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run

from benchy.errors import BenchyError
from benchy.runs.opening import find_open_run

RETRY_DELAYS_SECONDS: list[float] = [2, 30, 120]


def is_transient(_task: Task[..., Any], _task_run: TaskRun, state: State[Any]) -> bool:
    """Prefect's ``retry_condition_fn``: the same request may succeed when it is tried again."""
    error = state.result(raise_on_failure=False)
    if not isinstance(error, BenchyError):
        return False
    run = find_open_run(task_run.parameters["run_name"])
    if run is not None:
        what_next = "trying again" if error.transient else "not tried again, since it would fail again"
        run.log.write([f"{type(error).__name__}: {error.message}; {what_next}"])
    return error.transient
