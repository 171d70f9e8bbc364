"""Texts are clean as they come in, and those that were cut are marked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from benchy.worker.backends.texts import CutText, clean_text, clean_texts, mark_by_what_the_server_says


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("", ""),
        ("plain", "plain"),
        ("ü🙂", "ü🙂"),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude42", "🙂"),
        ("\udc00", "\ufffd"),
    ],
)
def test_half_a_character_is_replaced_and_two_halves_are_one(text: str, clean: str) -> None:
    assert clean_text(text) == clean
    clean_text(text).encode()


def test_a_text_that_was_cut_stays_marked() -> None:
    cut = clean_text(CutText("a\ud800"))
    assert isinstance(cut, CutText)
    assert not isinstance(clean_text("a\ud800"), CutText)


def test_a_models_own_method_gives_clean_texts() -> None:
    lm = SimpleNamespace(generate_until=lambda requests: [f"{request}\ud800" for request in requests])
    clean_texts(lm)
    assert lm.generate_until(["a", "b"]) == ["a\ufffd", "b\ufffd"]


def answered(outputs: Any, texts: list[str | None]) -> list[Any]:
    """Return what a server's answers become, of which lm-eval reads these texts."""
    lm = SimpleNamespace(parse_generations=lambda _outputs, **_: texts)
    mark_by_what_the_server_says(lm)
    return list(lm.parse_generations(outputs))


def choice(index: int, reason: str | None) -> dict[str, Any]:
    return {"index": index, "finish_reason": reason}


def test_a_server_says_which_texts_it_cut() -> None:
    output = {"choices": [choice(1, "stop"), choice(0, "length")]}
    first, second = answered(output, ["one", "two"])
    assert (isinstance(first, CutText), isinstance(second, CutText)) == (True, False)
    (text,) = answered([{"stop_reason": "max_tokens"}], ["of Anthropic's"])
    assert isinstance(text, CutText)


def test_a_cut_answer_without_text_stands_for_none() -> None:
    (text,) = answered({"choices": [choice(0, "length")]}, [None])
    assert isinstance(text, CutText)


def test_answers_of_another_number_are_left_as_they_are() -> None:
    assert answered({"choices": [choice(0, "length")]}, ["a", "b"]) == ["a", "b"]
