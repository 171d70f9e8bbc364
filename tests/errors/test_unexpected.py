"""Whatever ends a run has a name in the tree: a refusal of this host is no bug, and a bug says that it is one."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from benchy.errors import (
    BenchyError,
    ConfigError,
    DiskFull,
    Interrupted,
    ModelNotFound,
    as_benchy_error,
    causes,
    is_disk_full,
    naming_unexpected,
    refused_by_host,
)


def test_causes_are_told_from_the_last_to_the_first() -> None:
    first, second, third = KeyError("a"), OSError("b"), ValueError("c")
    second.__context__, third.__cause__ = first, second
    assert list(causes(third)) == [third, second, first]
    assert list(causes(None)) == []


def test_what_it_was_raised_from_goes_before_what_was_being_handled() -> None:
    error = ValueError("c")
    error.__context__, error.__cause__ = KeyError("handled"), OSError("cause")
    assert list(causes(error)) == [error, error.__cause__]


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (OSError("No space left on device"), False),
        (ValueError(errno.ENOSPC), False),
    ],
)
def test_a_full_disk_is_what_the_system_calls_so(error: BaseException, is_full: bool) -> None:
    assert is_disk_full(error) is is_full


def test_an_error_of_the_tree_stays_itself() -> None:
    error = ModelNotFound("no such model")
    assert as_benchy_error(error) is error
    with pytest.raises(ModelNotFound) as raised, naming_unexpected():
        raise error
    assert raised.value is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError(), GeneratorExit()])
def test_what_is_no_exception_is_an_interruption(error: BaseException) -> None:
    named = as_benchy_error(error)
    assert type(named) is Interrupted
    assert (named.exit_code, named.message) == (130, "the run was interrupted")


def test_a_bug_says_that_it_is_one_and_keeps_its_traceback() -> None:
    with pytest.raises(BenchyError) as raised, naming_unexpected():
        os.environ["NOWHERE_AT_ALL"]
    assert type(raised.value) is BenchyError
    assert raised.value.message == "unexpected KeyError: 'NOWHERE_AT_ALL'"
    assert raised.value.hint == "this is a bug in Benchy; please report it with the log"
    assert 'os.environ["NOWHERE_AT_ALL"]' in raised.value.traceback
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_an_interruption_goes_through_as_it_is() -> None:
    with pytest.raises(KeyboardInterrupt), naming_unexpected():
        raise KeyboardInterrupt


def test_a_bug_that_names_a_secret_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "planted-token")
    with pytest.raises(BenchyError) as raised, naming_unexpected():
        raise ValueError("not a token: planted-token")
    assert "planted-token" not in str(raised.value) + raised.value.traceback


@pytest.mark.parametrize(
    "number",
    [
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ESTALE,
        errno.EINVAL,
    ],
)
def test_what_this_host_refuses_is_said_with_the_file(number: int) -> None:
    named = as_benchy_error(OSError(number, os.strerror(number), "/srv/outputs"))
    assert type(named) is ConfigError
    assert named.message == f"this host refuses /srv/outputs: {os.strerror(number)}"
    assert "check who may read and write it" in named.hint
    assert os.strerror(number) in named.traceback


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_no_bug(number: int) -> None:
    named = as_benchy_error(OSError(number, os.strerror(number), "/srv/outputs/record.json"))
    assert type(named) is DiskFull
    assert named.message == "no space left for /srv/outputs/record.json"
    assert as_benchy_error(OSError(number, os.strerror(number))).message == "no space left for a file"


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "No such file", "x"), OSError("odd")])
def test_other_trouble_with_files_may_be_a_bug(error: OSError) -> None:
    assert refused_by_host(error) is None
    assert as_benchy_error(error).message.startswith(f"unexpected {type(error).__name__}: ")


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"this host refuses {tmp_path}: Is a directory"), naming_unexpected():
        tmp_path.read_bytes()


def test_a_bad_setting_of_prefects_is_no_bug() -> None:
    error = ValueError("PREFECT_API_URL\n  is no address")
    error.title = "ServerAPISettings"  # type: ignore[attr-defined]
    named = as_benchy_error(error)
    assert type(named) is ConfigError
    assert named.message == "Prefect refuses its settings: PREFECT_API_URL is no address"
    assert "PREFECT_" in named.hint
