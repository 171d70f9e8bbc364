"""Opens a run: begins a new one or takes up one that was cut short, and ends it in any case."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchy.config import BenchmarkConfig
from benchy.errors import BenchyError
from benchy.record import Facts
from benchy.runs.folders import find_cut_short, find_of_flow_run, lock_of, make_run_folder
from benchy.runs.run import Run


@contextmanager
def open_run(
    config: BenchmarkConfig, facts: Facts, *, flow_run_id: str | None = None, resume: bool = False
) -> Iterator[Run]:
    """Begin a run, or go on with the one of the same flow run; end its worker and finish its record in any case.

    Args:
        config: what is run.
        facts: what preflight found out; a run that goes on keeps those that it began with.
        flow_run_id: Prefect's.
        resume: go on with the newest run of this config whose evaluation was cut short, if there is one.

    Raises:
        ConfigError: the output or log folder cannot be written.
    """
    global _current  # noqa: PLW0603 - one process runs one flow run at a time
    found = find_of_flow_run(config, flow_run_id) if flow_run_id else find_cut_short(config) if resume else None
    run = Run(config, *(found or make_run_folder(config, facts, flow_run_id)))
    if found is not None:
        run.log.write([f"Going on with {run.name}, which is {run.record.status}"])
    previous, _current = _current, run
    try:
        with lock_of(run.folder):
            yield run
    except BaseException as error:
        with _undisturbed(), suppress(OSError, BenchyError):  # a full disk must not hide what ended the run
            run.fail(error)
        error.add_note(f"log: {run.log.path}")
        raise
    finally:
        _current = previous
        with _undisturbed():
            run.close_worker()
            run.log.close()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Whoever ends a run may signal more than once: what the first signal began is not cut short by the second."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {ends: signal.signal(ends, signal.SIG_IGN) for ends in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for ends, handler in before.items():
            signal.signal(ends, handler)


_current: Run | None = None


def current_run() -> Run | None:
    """The run that is open in this process; tasks reach it here, since Prefect hashes and pickles what it passes."""
    return _current
