"""Retries requests to the Hub that failed in passing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from benchy.errors import causes

if TYPE_CHECKING:
    from tenacity import RetryCallState


T = TypeVar("T")

ATTEMPTS = 5
LONGEST_DELAY_SECONDS = 60.0


def retried(call: Callable[[], T]) -> T:
    """Return the call's value; tried again after growing delays, or the server's ``Retry-After``, if that may help.

    Refused credentials and missing things are never asked for twice.
    """
    from tenacity import Retrying, retry_if_exception, stop_after_attempt

    for attempt in Retrying(
        retry=retry_if_exception(may_pass), wait=_delay, stop=stop_after_attempt(ATTEMPTS), reraise=True
    ):
        with attempt:
            return call()
    raise AssertionError("unreachable")


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed a little later: 408, 429, 5xx, a dropped or slow connection."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    for cause in causes(error):
        if isinstance(cause, HfHubHTTPError):
            return cause.response.status_code in {408, 429} or cause.response.status_code >= 500
        if isinstance(cause, httpx2.TransportError):
            return not isinstance(cause, httpx2.ConnectError | httpx2.ProxyError | httpx2.UnsupportedProtocol)
    return False


def _delay(state: RetryCallState) -> float:
    from tenacity import wait_random_exponential

    error = state.outcome.exception() if state.outcome else None
    asked = next((seconds for cause in causes(error) if (seconds := _retry_after(cause)) is not None), None)
    if asked is not None:
        return min(asked, LONGEST_DELAY_SECONDS)
    return 0.5 + wait_random_exponential(multiplier=0.5, max=LONGEST_DELAY_SECONDS)(state)


def _retry_after(error: BaseException) -> float | None:
    response = getattr(error, "response", None)
    value = response.headers.get("Retry-After") if response is not None else None
    return float(value) if value and value.isascii() and value.isdigit() else None
