"""The error tree: its codes, its journey from worker to host, and its table in the docs."""

from __future__ import annotations

import pickle
import re

import pytest

from benchy import errors
from benchy.errors import BenchyError, ErrorData, from_data
from tests.commands import REPOSITORY


def all_errors(cls: type[BenchyError] = BenchyError) -> list[type[BenchyError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in all_errors(child))]


@pytest.mark.parametrize("cls", all_errors())
def test_an_error_comes_back_from_data_as_itself(cls: type[BenchyError]) -> None:
    sent = cls("the disk is full", hint="free some", transient=True, traceback="Traceback: ...")
    received = from_data(ErrorData.model_validate_json(sent.to_data().model_dump_json()))
    assert type(received) is cls
    assert received.to_data() == sent.to_data()


@pytest.mark.parametrize("cls", all_errors())
def test_an_error_survives_pickling(cls: type[BenchyError]) -> None:
    sent = cls("the disk is full", hint="free some")
    received = pickle.loads(pickle.dumps(sent))  # noqa: S301 - our own
    assert type(received) is cls
    assert received.to_data() == sent.to_data()


def test_an_unknown_kind_is_still_an_error() -> None:
    received = from_data(ErrorData(kind="FromTheFuture", message="what", hint="do"))
    assert type(received) is BenchyError
    assert (received.message, received.hint) == ("what", "do")


def drawn_tree() -> dict[str, int | None]:
    """Names and exit codes as the module's docstring draws them."""
    lines = re.findall(r"^[ │├└─]*([A-Z]\w+) +(\d+)?", errors.__doc__ or "", re.MULTILINE)
    return {name: int(code) if code else None for name, code in lines if name in vars(errors)}


def test_the_docstring_draws_the_whole_tree() -> None:
    drawn = drawn_tree()
    by_name: dict[str, type[BenchyError]] = {cls.__name__: cls for cls in all_errors()}
    assert set(drawn) == set(by_name)
    for name, code in drawn.items():
        assert code is None or by_name[name].exit_code == code


def test_each_branch_has_an_exit_code_of_its_own() -> None:
    branches: list[type[BenchyError]] = [BenchyError, *BenchyError.__subclasses__()]
    codes = [cls.exit_code for cls in branches]
    assert len(set(codes)) == len(codes)


def test_the_docs_list_every_exit_code() -> None:
    page = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    listed = {
        int(code): set(re.findall(r"`(\w+)`", names))
        for code, names in re.findall(r"^\| (\d+) \| (.*?) \|", page, re.M)
    }
    for cls in all_errors():
        assert cls.__name__ in listed[cls.exit_code]


def test_the_docs_say_what_each_error_does() -> None:
    text = (REPOSITORY / "docs" / "evaluation.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `(\w+)` \| (\d+) \| (yes|no) \| .+ \| .+ \|$", text, re.MULTILINE)
    expected = [(cls.__name__, str(cls.exit_code), "yes" if cls.default_transient else "no") for cls in all_errors()]
    assert sorted(table) == sorted(expected)
