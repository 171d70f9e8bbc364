"""Tells what Prefect's client raises where its server went away."""

from __future__ import annotations

import httpx

from benchy.errors import causes

_GIVEN_UP = "Retry handling ended without response or exception"
"""An assertion of Prefect 3.8 (client/base.py): its retries were set to none while it waited for the next one."""


def is_of_lost_server(error: BaseException) -> bool:
    """Whether an error, or what it was raised from, is that Prefect's server does not answer."""
    return any(
        isinstance(cause, httpx.HTTPError) or (isinstance(cause, AssertionError) and _GIVEN_UP in str(cause))
        for cause in causes(error)
    )
