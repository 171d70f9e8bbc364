"""Opens a run: begins a new one or takes up one that was cut short, and ends it in any case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchy.config import BenchmarkConfig
from benchy.errors import BenchyError
from benchy.record import Facts
from benchy.runs.folders import Found, find_cut_short, find_of_flow_run, lock_of, make_run_folder
from benchy.runs.run import Run
from benchy.runs.signals import ignoring_signals
from benchy.runtimes.choose import RUNTIMES, choose_runtime


@contextmanager
def open_run(
    config: BenchmarkConfig,
    facts: Facts,
    *,
    runtime: str | None = None,
    flow_run_id: str | None = None,
    resume: bool = False,
) -> Iterator[Run]:
    """Begin a run, or go on with the one of the same flow run; end its worker and finish its record in any case.

    Args:
        config: what is run.
        facts: what preflight found out; a run that goes on keeps those that it began with.
        runtime: where its workers run, if that is chosen already; a run that goes on stays where it ran.
        flow_run_id: Prefect's.
        resume: go on with the newest run of this config whose evaluation was cut short, if there is one.

    Raises:
        ConfigError: the output or log folder cannot be written.
    """
    looked = find_of_flow_run(config, flow_run_id) if flow_run_id else find_cut_short(config) if resume else Found()
    if looked.run is None:
        run = Run(config, *make_run_folder(config, facts, runtime or choose_runtime(config), flow_run_id))
    else:
        run = Run(config, *looked.run)
        run.log.write([f"Going on with {run.name}: {_what_is_left(run)}"])
    run.log.write([f"{problem}; it stays as it is, and is not gone on with" for problem in looked.problems])
    try:
        with lock_of(run.folder):
            _open_runs[run.name] = run
            if looked.run is not None:
                run.log.write([_stay_where_it_ran(run, runtime)])
            yield run
    except BaseException as error:
        with ignoring_signals(), suppress(OSError, BenchyError):  # a full disk must not hide what ended the run
            run.fail(error)
        error.add_note(f"log: {run.log.path}")
        raise
    finally:
        _open_runs.pop(run.name, None)
        with ignoring_signals():
            run.close_worker()
            run.log.close()


def _stay_where_it_ran(run: Run, runtime: str | None) -> str:
    """Keep the runtime that a run had, unless the config names another; say which it had."""
    had = run.record.runtime
    kept = had if had in RUNTIMES else None  # a record chooses nothing that Benchy itself would not
    run.run_in(run.config.runtime or kept or runtime or choose_runtime(run.config))
    now = run.record.runtime
    return f"Its runtime is {now}" + ("" if had == now else f"; before it was {had or 'not noted'}")


def _what_is_left(run: Run) -> str:
    if run.record.evaluation is None:
        return f"it is {run.record.status}; what the model answered already is not asked again"
    return "it is evaluated, and only to be published"


_open_runs: dict[str, Run] = {}
"""Those of this process, by name."""


def find_open_run(name: str) -> Run | None:
    """Return the run of this name that is open in this process; None if there is none.

    Prefect hashes, pickles and shows what it passes to a task: that is the name, and the task finds the run by it.
    """
    return _open_runs.get(name)
