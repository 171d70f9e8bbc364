"""Does the steps of a run whose Prefect server went away: the record is the truth, and Prefect its view."""

from __future__ import annotations

import time
from collections.abc import Callable

from prefect.exceptions import Abort, TerminationSignal

from benchy.errors import BenchyError, causes
from benchy.runs.run import Run
from tasks.retries import RETRY_DELAYS_SECONDS


def finish(run: Run, lost: Exception) -> None:
    """Do every step that the record does not have yet.

    Args:
        run: the open run.
        lost: what Prefect's client raised.

    Raises:
        BenchyError, or what Prefect makes of a signal: what ended the run, or had ended it before that.
    """
    for cause in causes(lost):
        if isinstance(cause, BenchyError | KeyboardInterrupt | TerminationSignal | Abort) and cause is not lost:
            raise cause  # Prefect's server could not be told so
    reason = str(lost).partition("\n")[0]
    run.log.write([f"Prefect's server is lost ({type(lost).__name__}: {reason}); the run goes on without it"])
    for step in run.missing_steps():
        _retry(step, run)


def _retry(step: Callable[[], object], run: Run) -> None:
    """As Prefect would: what is transient is tried again after growing delays."""
    for delay in RETRY_DELAYS_SECONDS:
        try:
            step()
        except BenchyError as error:
            if not error.transient:
                raise
            run.log.write([f"{type(error).__name__}: {error.message}; trying again in {delay:.0f} s"])
            time.sleep(delay)
        else:
            return
    step()
