"""What goes wrong on the Hub has a name, a reason and a remedy, whoever asks."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from benchy.errors import (
    AccessDenied,
    BenchyError,
    ConfigError,
    DiskFull,
    EvaluationFailed,
    ModelNotFound,
    NetworkError,
)
from benchy.hub import Repo, list_files, naming_failures, read_file
from benchy.hub.failures import name_failure
from tests.hub.fixtures import loopback_hub, own_hub
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub", "own_hub"]

TINY = Repo("org/tiny")


def failure(call: Callable[[], object]) -> BenchyError:
    """Return the error that a call ends with."""
    with pytest.raises(BenchyError) as raised:
        call()
    return raised.value


@pytest.fixture
def token(own_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> str:
    """Provide a user whose token is set."""
    name = own_hub.add_user("ada")
    monkeypatch.setenv("HF_TOKEN", name)
    return name


def test_a_name_that_is_not_there_is_offered_with_its_neighbours(own_hub: LoopbackHub) -> None:
    own_hub.add_repository("org/tiny-llama")
    error = failure(lambda: list_files(Repo("org/tiny-lama")))
    assert type(error) is ModelNotFound
    assert error.message == "the Hub shows no model org/tiny-lama without a token"
    assert error.hint == "did you mean org/tiny-llama? If it is private, set HF_TOKEN or run `hf auth login`"


@pytest.mark.usefixtures("token")
def test_with_a_token_it_may_be_hidden(own_hub: LoopbackHub) -> None:
    repo = Repo("org/nowhere", "dataset", missing=EvaluationFailed)
    error = failure(lambda: list_files(repo))
    assert type(error) is EvaluationFailed
    assert error.message == "the Hub knows no data set org/nowhere, or this token may not see it"
    assert error.hint == f"Check the name at {own_hub.endpoint}/datasets/org/nowhere"


@pytest.mark.parametrize(("revision", "there"), [("v1", "it has v1.0"), ("zzz", "it has main, v1.0")])
def test_a_revision_that_is_not_there_is_offered_with_those_that_are(
    own_hub: LoopbackHub, revision: str, there: str
) -> None:
    own_hub.add_repository("org/tiny").commit({}, branch="v1.0")
    error = failure(lambda: list_files(Repo("org/tiny", revision=revision)))
    assert type(error) is ModelNotFound
    assert (error.message, error.hint) == (f'org/tiny has no revision "{revision}"', there)


def test_a_gated_model_says_whose_turn_it_is(own_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    own_hub.add_repository("org/tiny", {"config.json": b"{}"}).gated = True
    error = failure(lambda: read_file(TINY, "config.json"))
    assert (type(error), error.message) == (AccessDenied, "org/tiny is gated, and no token was given")
    assert error.hint.startswith(f"accept its terms at {own_hub.endpoint}/org/tiny, then set HF_TOKEN")
    monkeypatch.setenv("HF_TOKEN", own_hub.add_user("ada"))
    error = failure(lambda: read_file(TINY, "config.json"))
    assert error.message == 'org/tiny is gated, and the account "ada" has no access to it'
    own_hub.fail("GET /api/whoami-v2", status=500)
    error = failure(lambda: read_file(TINY, "config.json"))
    assert error.message == "org/tiny is gated, and the account of this token has no access to it"


@pytest.mark.parametrize("stored", [True, False])
def test_a_token_that_is_not_valid_is_said_where_it_comes_from(
    own_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stored: bool
) -> None:
    own_hub.add_repository("org/tiny")
    if stored:
        (tmp_path / "hf").mkdir()
        (tmp_path / "hf" / "token").write_text("hf_wrong_one", encoding="utf-8")
    else:
        monkeypatch.setenv("HF_TOKEN", "hf_wrong_one")
    error = failure(lambda: list_files(TINY))
    assert type(error) is AccessDenied
    where = "the token that `hf auth login` stored" if stored else "the token in HF_TOKEN"
    assert error.message == f"the Hub does not accept {where} (Invalid credentials in Authorization header)"
    assert "hf_wrong_one" not in str(error)


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("status", "kind", "said", "transient"),
    [
        (403, AccessDenied, "the token in HF_TOKEN may not use org/tiny (told to fail)", False),
        (404, ModelNotFound, "org/tiny: told to fail", False),
        (402, NetworkError, "the Hub answered 402 for org/tiny: told to fail", False),
        (413, NetworkError, "the Hub answered 413 for org/tiny: told to fail", False),
        (418, NetworkError, "the Hub answered 418 for org/tiny: told to fail", False),
        (429, NetworkError, "the Hub limits the rate of requests (429) for org/tiny", True),
        (500, NetworkError, "the Hub is in trouble: 500 for org/tiny", True),
    ],
)
def test_a_status_is_said_in_words(
    own_hub: LoopbackHub, status: int, kind: type[BenchyError], said: str, transient: bool
) -> None:
    own_hub.add_repository("org/tiny")
    own_hub.fail("GET /api/models/org/tiny", status=status, retry_after=0)
    error = failure(lambda: list_files(TINY))
    assert (type(error), error.message, error.transient) == (kind, said, transient)
    assert error.hint


def test_a_file_that_is_not_there_is_named(own_hub: LoopbackHub) -> None:
    own_hub.add_repository("org/tiny")
    error = failure(lambda: read_file(TINY, "config.json"))
    assert type(error) is ModelNotFound
    assert error.message.startswith("org/tiny lacks a file: ")
    assert error.hint == f"look at {own_hub.endpoint}/org/tiny"


def test_what_is_no_name_is_not_asked_for(own_hub: LoopbackHub) -> None:
    for name in ("a/b/c", "org/", "-x", "a b", "org/ti..ny"):
        error = failure(lambda name=name: read_file(Repo(name), "config.json"))  # type: ignore[misc]
        assert (error.message, error.hint) == (f'"{name}" is no name of a repository', "names are org/name")
    assert own_hub.seen == []


def test_a_hub_that_nobody_answers_for_is_named(own_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    error = failure(lambda: list_files(TINY))
    assert (type(error), error.transient) == (NetworkError, True)
    assert error.message.startswith("the Hub at http://127.0.0.1:9 cannot be reached: ConnectError: ")
    assert own_hub.seen == []


def test_without_the_network_what_is_not_cached_is_named(
    own_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for ask in (lambda: list_files(TINY), lambda: read_file(TINY, "config.json")):
        error = failure(ask)
        assert (type(error), error.transient) == (NetworkError, False)
        assert (
            error.message == f"HF_HUB_OFFLINE is set, and org/tiny is not whole in the cache {tmp_path / 'hf' / 'hub'}"
        )
    assert own_hub.seen == []


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (OSError(errno.ENOSPC, "No space left"), DiskFull, "no space left in "),
        (PermissionError(errno.EACCES, "Permission denied", "/cache/x"), ConfigError, "this host refuses /cache/x: "),
        (OSError("odd\nsecond line"), NetworkError, "org/tiny could not be fetched: OSError: odd"),
    ],
)
def test_what_this_host_does_is_not_the_hubs_fault(error: OSError, kind: type[BenchyError], said: str) -> None:
    with pytest.raises(kind) as raised, naming_failures(TINY):
        raise error
    assert raised.value.message.startswith(said)
    assert "second line" not in raised.value.message
    assert raised.value.__cause__ is error


def test_the_cause_says_more_than_what_it_is_wrapped_in() -> None:
    wrapped = ValueError("not found in the cache")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left")
    assert type(name_failure(wrapped, TINY)) is DiskFull


@pytest.mark.parametrize("error", [ModelNotFound("named already"), ValueError("no trouble of the Hub")])
def test_what_has_a_name_or_is_a_bug_goes_through(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, naming_failures(TINY):
        raise error
    assert raised.value is error
