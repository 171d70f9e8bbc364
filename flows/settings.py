"""Prefect's settings that Benchy sets where the user does not."""

from __future__ import annotations

import os

# Read by Prefect when it is imported, which is later, inside the commands that need it.
PREFECT_DEFAULTS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_RUNNER_POLL_FREQUENCY": "2",
    "PREFECT_CLIENT_MAX_RETRIES": "8",  # after 2, 4, 8, ... s: eight minutes of patience with a server that is away
}


def set_prefect_defaults(**more: str) -> None:
    """Set each default that the environment does not set, and what else is given."""
    for name, value in (PREFECT_DEFAULTS | more).items():
        os.environ.setdefault(name, value)
