"""Sends a run's log to Prefect while a step runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.logging import get_run_logger

from benchy.errors import naming_unexpected
from benchy.runs.log_reader import SlowReader
from benchy.runs.opening import find_open_run
from benchy.runs.run import Run
from tasks.lost_server import is_of_lost_server
from tasks.progress_artifact import ProgressArtifact

LINES_A_RECORD = 200
LINE_LENGTH = 2000
SECONDS_BETWEEN_RECORDS = 2.0


@contextmanager
def shown_in_prefect(step: str, run_name: str) -> Iterator[Run]:
    """Find an open run by its name; in the block its log and progress go to Prefect's task run.

    Prefect gets at most 200 lines in 2 s, and a note on what it does not get: 20,000 single lines take its API 37 s.
    """
    run = find_open_run(run_name)
    if run is None:
        raise RuntimeError(f"no run {run_name} is open; tasks run inside the flow `benchy`")
    logger = get_run_logger()

    def deliver(lines: list[str]) -> None:
        logger.info("\n".join(line[:LINE_LENGTH] for line in lines))

    reader = SlowReader(deliver, capacity=LINES_A_RECORD, seconds=SECONDS_BETWEEN_RECORDS, whole_log=run.log.path)
    watcher = ProgressArtifact(step)
    run.log.follow(reader)
    try:
        with run.watched_by(watcher), naming_unexpected():
            yield run
        watcher.finish()
    finally:
        run.log.detach(reader)
        watcher.close()


@contextmanager
def shown_only(run: Run) -> Iterator[None]:
    """For what is shown in Prefect and kept elsewhere: if its server stays away, the step goes on without."""
    try:
        yield
    except Exception as error:
        if not is_of_lost_server(error):
            raise
        run.log.write([f"Prefect's server does not take what this step shows there: {error}"])
