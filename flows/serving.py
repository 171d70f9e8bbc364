"""Makes each config a deployment of the flow."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from pathlib import Path

from prefect.exceptions import TerminationSignal
from prefect.runner import Runner

from flows.benchmark import benchy
from flows.containers import sweep
from flows.served_configs import SERVED_CONFIGS


def serve_deployments(files: list[Path]) -> None:
    """Serve ``benchy/<stem>`` for each file until the process is stopped; one run at a time, the next ones wait.

    Prefect's ``serve`` would start each run as a command, which it kills when it is stopped itself. A runner that knows
    the flow starts it as a child process, which gets SIGTERM and the time to end its worker and write its record.
    """
    os.environ[SERVED_CONFIGS] = str(files[0].parent.resolve())
    sweep([file.stem for file in files])
    runner = Runner(limit=1, pause_on_shutdown=False)
    for file in files:
        runner.add_flow(
            benchy,
            name=file.stem,
            parameters={"config": str(file)},
            description=f"Test, evaluate and publish: {file}",
            tags=["benchy"],
        )
    try:
        asyncio.run(runner.start())
    except (KeyboardInterrupt, TerminationSignal):
        return
    finally:
        for run in multiprocessing.active_children():
            run.join()
