"""The store gives back what was kept, whatever happened to its process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from benchy.worker.answers.keys import request_key
from benchy.worker.answers.store import MISSING, AnswerStore
from benchy.worker.backends.texts import CutText

MODEL = {"model": "one", "dtype": "float32"}


Open = Callable[..., AnswerStore]


@pytest.fixture
def open_store(path: Path) -> Iterator[Open]:
    """Provide a function that opens the store at ``path`` as often as one likes."""
    with ExitStack() as stack:
        yield lambda identity=MODEL: stack.enter_context(closing(AnswerStore(path, identity)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def test_answers_come_back_to_the_last_digit_and_with_their_types(open_store: Open) -> None:
    answers = [
        ("a", (-0.1 - 0.2, True)),
        ("b", "text\n\u2028 \U0001f600"),
        ("c", -1e-300),
        ("d", (float("-inf"), False)),
    ]
    open_store().keep(answers)
    assert open_store().take(["a", "b", "c", "d"]) == [answer for _, answer in answers]


def test_a_text_that_was_cut_stays_one_and_half_a_character_does_not(open_store: Open) -> None:
    open_store().keep([("a", CutText("so much that")), ("b", "\ud800")])
    cut, clean = open_store().take(["a", "b"])
    assert (cut, type(cut)) == ("so much that", CutText)
    assert clean == "\ufffd"


def test_a_request_that_occurs_twice_has_two_answers(open_store: Open) -> None:
    store = open_store()
    store.keep([("a", "first"), ("a", "second")], seconds=3)
    assert (store.seconds("a"), store.seconds("ab"), store.seconds("aaa")) == (1.5, 1.5, 3)
    assert store.take(["a", "a", "a", "b"]) == ["first", "second", MISSING, MISSING]
    assert len(store) == 2


@pytest.mark.parametrize("cut", range(1, 30, 7))
def test_a_line_that_was_cut_short_was_never_written(open_store: Open, path: Path, cut: int) -> None:
    store = open_store()
    store.keep([("a", "first")])
    store.keep([("b", "second"), ("c", "third")])
    store.close()
    path.write_bytes(path.read_bytes()[:-cut])

    again = open_store()
    assert again.take(["a", "b", "c"]) == ["first", MISSING, MISSING]
    again.keep([("b", "anew")])
    assert open_store().take(["a", "b"]) == ["first", "anew"]


def test_a_damaged_line_is_skipped_aloud(open_store: Open, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store()
    for key in "abc":
        store.keep([(key, key)])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\0" * 40 + b"\n" + lines[2])
    assert open_store().take(["a", "b", "c"]) == ["a", MISSING, "c"]
    assert "line 2 is damaged" in caplog.text


@pytest.mark.parametrize("changed", [{"model": "two"}, {"dtype": "float16"}, {"more": 1}])
def test_another_identity_sees_nothing(open_store: Open, changed: dict[str, object]) -> None:
    open_store().keep([("a", "first")])
    other = open_store(MODEL | changed)
    assert other.take(["a"]) == [MISSING]
    other.keep([("a", "other")])
    assert open_store().take(["a"]) == ["first"]
    assert open_store(MODEL | changed).take(["a"]) == ["other"]


def test_notes_and_the_random_state_come_back(open_store: Open) -> None:
    store = open_store()
    store.note("size", 8)
    store.note("size", 4)
    store.keep([("a", "first")], random_state=b"\x00\xff")
    again = open_store()
    assert again.noted("size") == 4
    assert again.noted("other") is None
    assert again.random_state == b"\x00\xff"


def test_what_did_not_fit_on_the_disk_was_never_written(small_disk: Path) -> None:
    path = small_disk / "answers.jsonl"
    batches = [[(f"{number} {part}", "x" * 100) for part in range(10)] for number in range(100)]
    with closing(AnswerStore(path, MODEL)) as store, pytest.raises(OSError, match="No space left"):
        list(map(store.keep, batches))
    with closing(AnswerStore(path, MODEL)) as again:
        kept = [again.take([key for key, _ in batch]) for batch in batches]
        assert 0 < len(again) < 1000
        assert all(found in ([MISSING] * 10, ["x" * 100] * 10) for found in kept), "whole batches"


def test_the_key_holds_all_of_a_request() -> None:
    base = request_key("generate_until", ("text", {"until": ["."], "max_gen_toks": 5}))
    assert request_key("generate_until", ("text", {"max_gen_toks": 5, "until": ["."]})) == base
    others = [
        ("loglikelihood", ("text", {"until": ["."], "max_gen_toks": 5})),
        ("generate_until", ("text", {"until": ["."], "max_gen_toks": 6})),
        ("generate_until", ("text ", {"until": ["."], "max_gen_toks": 5})),
    ]
    assert len({base, *(request_key(*other) for other in others)}) == 4


@pytest.mark.parametrize(
    "foreign",
    [
        "5",
        "null",
        "{}",
        "[]",
        '"text"',
        "not JSON",
        pytest.param("[" * 100_000, id="very deep"),
        '{"of": 5}',
        '{"of": "OWN", "answers": 5}',
        '{"of": "OWN", "answers": [5]}',
        '{"of": "OWN", "answers": [["a"]]}',
        '{"of": "OWN", "answers": [[5, "x"]]}',
        '{"of": "OWN", "answers": [["a", "x"]], "seconds": "y"}',
        '{"of": "OWN", "note": []}',
        '{"of": "OWN", "random_state": 5}',
    ],
)
def test_a_foreign_line_blocks_no_resume(open_store: Open, path: Path, foreign: str) -> None:
    """A valid line of JSON that was none of ours ended every evaluation that was to go on."""
    open_store().keep([("a", "first")])
    own = json.loads(path.read_bytes())["of"]
    with path.open("a") as file:
        file.write(foreign.replace("OWN", own) + "\n")
    open_store().keep([("b", "second")])
    assert open_store().take(["a", "b"]) == ["first", "second"]
