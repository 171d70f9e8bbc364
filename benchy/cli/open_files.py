"""How many files this process, and what it starts, may have open at once."""

from __future__ import annotations

import resource

from benchy.errors import ConfigError

LEAST = 24
ENOUGH = 1024


def allow_open_files() -> None:
    """Raise this process's limit to what is enough, as far as the system allows.

    Raises:
        ConfigError: it allows too little for any run.
    """
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = map(_bounded, limits)
    if hard < LEAST:
        raise ConfigError(
            f"a process may have {hard} files open at once here, too few for a run",
            hint=f"raise the limit: `ulimit -n {ENOUGH}`, or LimitNOFILE= of the service",
        )
    if soft < ENOUGH:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, ENOUGH), limits[1]))


def _bounded(limit: int) -> int:
    return ENOUGH if limit == resource.RLIM_INFINITY else limit
