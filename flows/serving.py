"""Makes each config a deployment of the flow."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

from prefect.exceptions import TerminationSignal
from prefect.runner import Runner

from flows.benchmark import benchy
from flows.containers import sweep
from flows.served_configs import SERVED_CONFIGS

SECONDS_BETWEEN_LOOKS = 5.0

_log = logging.getLogger(__name__)


def serve_deployments(files: list[Path], look: Callable[[], list[Path]]) -> None:
    """Serve ``benchy/<stem>`` for each file until the process is stopped; one run at a time, the next ones wait.

    ``look`` gives the files that can be served now: what is new or mended becomes a deployment too. What a file says is
    read as each of its runs begins.

    Prefect's ``serve`` would start each run as a command, which it kills when it is stopped itself. A runner that knows
    the flow starts it as a child process, which gets SIGTERM and the time to end its worker and write its record.
    """
    os.environ[SERVED_CONFIGS] = str(files[0].parent.absolute())
    sweep([file.stem for file in files])
    runner = Runner(limit=1, pause_on_shutdown=False)
    try:
        asyncio.run(_serve(runner, files, look))
    except (KeyboardInterrupt, TerminationSignal):
        return
    finally:
        for run in multiprocessing.active_children():
            run.join()


async def _serve(runner: Runner, files: list[Path], look: Callable[[], list[Path]]) -> None:
    served = {file.stem for file in files}
    for file in files:
        await _add(runner, file)
    watcher = asyncio.create_task(_add_new_ones(runner, served, look))
    try:
        await runner.start()
    finally:
        watcher.cancel()


async def _add_new_ones(runner: Runner, served: set[str], look: Callable[[], list[Path]]) -> None:
    while True:
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        try:
            for file in await asyncio.to_thread(look):
                if file.stem not in served:
                    await _add(runner, file)
                    served.add(file.stem)
        except Exception:  # noqa: BLE001 - the edge of this task: the folder or the server is away for a while
            _log.exception("new configs are looked for again in %s s", SECONDS_BETWEEN_LOOKS)


async def _add(runner: Runner, file: Path) -> None:
    await runner.aadd_flow(
        benchy,
        name=file.stem,
        parameters={"config": str(file)},
        description=f"Test, evaluate and publish: {file}",
        tags=["benchy"],
    )
