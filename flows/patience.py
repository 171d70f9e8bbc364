"""Checks a config before its run, and waits where what is wrong may pass."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchy.config import BenchmarkConfig
from benchy.errors import BenchyError
from benchy.preflight.checks import preflight
from benchy.record import Facts
from tasks.retries import RETRY_DELAYS_SECONDS


def preflight_patiently(config: BenchmarkConfig, runtime: str, say: Callable[[str], None]) -> Facts:
    """Do the preflight; again after 2, 30 and 120 s where a failure may pass, as a Hub that is away.

    Args:
        config: what is to be run.
        runtime: where its workers run.
        say: gets a line for each time that is waited.

    Raises:
        BenchyError: what does not pass, or did not.
    """
    for seconds in RETRY_DELAYS_SECONDS:
        try:
            return preflight(config, runtime=runtime)
        except BenchyError as error:
            if not error.transient:
                raise
            say(f"{type(error).__name__}: {error.message}; trying again in {seconds:g} s")
            time.sleep(seconds)
    return preflight(config, runtime=runtime)
