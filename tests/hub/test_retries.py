"""A request that failed in passing is asked again, and one that will fail again is not."""

from __future__ import annotations

import httpx2
import pytest
from huggingface_hub.errors import HfHubHTTPError

from benchy.errors import AccessDenied, NetworkError
from benchy.hub import Repo, list_files, retried
from benchy.hub.retries import ATTEMPTS, may_pass
from tests.hub.fixtures import loopback_hub, own_hub
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub", "own_hub"]

REQUEST = httpx2.Request("GET", "http://hub/")


def answered(status: int, **headers: str) -> HfHubHTTPError:
    return HfHubHTTPError("said", response=httpx2.Response(status, headers=headers, request=REQUEST))


def caused_by(cause: BaseException) -> ValueError:
    error = ValueError("outside")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        *((answered(status), True) for status in (408, 429, 500, 502, 503, 504)),
        *((answered(status), False) for status in (400, 401, 403, 404, 409, 412, 416)),
        (httpx2.ReadTimeout("slow"), True),
        (httpx2.ConnectTimeout("slow"), True),
        (httpx2.ReadError("dropped"), True),
        (httpx2.RemoteProtocolError("cut"), True),
        (httpx2.ConnectError("nobody listens"), False),
        (httpx2.ProxyError("no proxy"), False),
        (httpx2.UnsupportedProtocol("ftp"), False),
        (caused_by(answered(503)), True),
        (caused_by(answered(404)), False),
        (caused_by(httpx2.ReadTimeout("slow")), True),
        (ValueError("a bug"), False),
        (OSError("this host"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_what_may_pass_is_told_from_what_stays(error: BaseException, passes: bool) -> None:
    assert may_pass(error) is passes


class Flaky:
    """Fails so many times, then gives a value."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times, self.calls = error, times, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "value"


SOON = {"Retry-After": "0"}


@pytest.mark.parametrize("times", [0, 1, ATTEMPTS - 1])
def test_a_call_is_repeated_until_it_gives_its_value(times: int) -> None:
    call = Flaky(answered(503, **SOON), times)
    assert retried(call) == "value"
    assert call.calls == times + 1


def test_after_some_attempts_the_last_error_is_raised_as_it_is() -> None:
    call = Flaky(answered(429, **SOON), 99)
    with pytest.raises(HfHubHTTPError) as raised:
        retried(call)
    assert raised.value is call.error
    assert call.calls == ATTEMPTS


@pytest.mark.parametrize("error", [answered(404), answered(401), httpx2.ConnectError("nobody"), ValueError("a bug")])
def test_what_stays_is_asked_once(error: Exception) -> None:
    call = Flaky(error, 99)
    with pytest.raises(type(error)):
        retried(call)
    assert call.calls == 1


def test_a_hub_in_trouble_is_asked_again_and_one_that_refuses_is_not(
    own_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_hub.add_repository("org/tiny")
    asked = "GET /api/models/org/tiny"
    own_hub.fail(asked, status=503, times=2, retry_after=0)
    assert list_files(Repo("org/tiny")).files
    assert own_hub.count(asked) == 3
    own_hub.fail(asked, status=429, retry_after=0)
    with pytest.raises(NetworkError, match="limits the rate"):
        list_files(Repo("org/tiny"))
    assert own_hub.count(asked) == 3 + ATTEMPTS
    own_hub.faults.clear()
    monkeypatch.setenv("HF_TOKEN", "hf_wrong_one")
    with pytest.raises(AccessDenied):
        list_files(Repo("org/tiny"))
    assert own_hub.count(asked) == 3 + ATTEMPTS + 1
