"""Every error has its code, its hint and its place in the tree, as the docstring and the docs say."""

from __future__ import annotations

import re

import pytest

from benchy import errors
from benchy.errors import BenchyError
from tests.commands import REPOSITORY


def all_errors(cls: type[BenchyError] = BenchyError) -> list[type[BenchyError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in all_errors(child))]


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


@pytest.mark.parametrize("cls", all_errors()[1:])
def test_an_error_says_what_to_do_where_nobody_says_it(cls: type[BenchyError]) -> None:
    error = cls("what")
    assert error.hint == cls.default_hint
    assert error.transient is cls.default_transient
    assert cls("what", hint="do").hint == "do"
    assert cls("what", transient=not cls.default_transient).transient is not cls.default_transient


@pytest.mark.parametrize("cls", all_errors()[1:])
def test_a_narrower_error_ends_the_command_with_the_code_of_its_branch(cls: type[BenchyError]) -> None:
    (branch,) = [one for one in BenchyError.__subclasses__() if issubclass(cls, one)]
    assert cls.exit_code == branch.exit_code


def test_what_is_tried_again_is_what_may_pass_by_itself() -> None:
    transient = {cls.__name__ for cls in all_errors() if cls.default_transient}
    assert transient == {"WorkerDied", "RankLost", "NoEngine", "EngineLost", "NetworkError"}


def test_the_package_offers_every_error() -> None:
    assert {cls.__name__ for cls in all_errors()} <= set(errors.__all__)
    assert [name for name in errors.__all__ if not hasattr(errors, name)] == []
