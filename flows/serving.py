"""Makes each config a deployment of the flow."""

from __future__ import annotations

from pathlib import Path

from prefect import serve
from prefect.deployments.runner import RunnerDeployment

from flows.benchmark import benchy
from flows.containers import sweep


def serve_deployments(files: list[Path]) -> None:
    """Serve ``benchy/<stem>`` for each file until the process is stopped; one run at a time, the next ones wait."""
    sweep([file.stem for file in files])
    serve(*(_deployment(file) for file in files), limit=1, pause_on_shutdown=False)


def _deployment(file: Path) -> RunnerDeployment:
    made = benchy.to_deployment(
        name=file.stem,
        parameters={"config": str(file)},
        description=f"Test, evaluate and publish: {file}",
        tags=["benchy"],
    )
    assert isinstance(made, RunnerDeployment)  # noqa: S101 - a coroutine only in async code
    return made
