"""The error tree: its codes, its journey from worker to host, and its table in the docs."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from benchy import errors
from benchy.display.terminal import print_error
from benchy.errors import BenchyError, ErrorData, from_data
from tests.commands import REPOSITORY, assert_refused, benchy


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


LONG = ["x" * 100_000, "a word " * 10_000, "é\n" * 5_000, "\ud800" * 999, "/a/b" * 2_000, "", "short"]


@pytest.mark.parametrize("said", LONG, ids=range(len(LONG)))
@pytest.mark.parametrize("hint", LONG, ids=range(len(LONG)))
def test_whatever_an_error_quotes_what_is_shown_and_kept_fits(
    said: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A message that repeats a value of 100,000 characters was as long as that value."""
    error = BenchyError(said, hint=hint)
    for _ in range(5):
        error.add_hint(hint)
    error.add_note(f"log: {'/folder' * 500}/benchy.log")
    print_error(error)
    shown = capsys.readouterr().err
    assert shown.startswith("❌ BenchyError: ")
    assert len(shown) <= 2_000
    assert len(error.message) + len(error.hint) <= 2_000
    assert from_data(ErrorData.model_validate_json(error.to_data().model_dump_json())).to_data() == error.to_data()


def test_a_command_that_fails_of_very_much_says_it_in_short(tmp_path: Path) -> None:
    unknown = "".join(f"key_{number}_{'x' * 500}: {'y' * 500}\n" for number in range(500))
    (tmp_path / "config.yaml").write_text(f"model: {{name: m}}\n{unknown}")
    done = benchy("check", "config.yaml", cwd=tmp_path)
    assert_refused(done, 2, "ConfigError", "config.yaml")
    assert len(done.stderr) <= 2_000


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
