"""What building shows: counts, oddities, one whole prompt and its choices."""

from __future__ import annotations

from typing import Any

from benchy.display.built import MOST_CHOICES, built_lines
from benchy.record import Built, BuiltBenchmark


def lines(**changes: Any) -> list[str]:
    fields: dict[str, Any] = {"name": "arc", "documents": 1, "shots": 1, "requests": 4, "longest_prompt": 1200}
    one = BuiltBenchmark(**fields | {"prompt": "Question:\nAnswer:", "continuations": (" a", " b")} | changes)
    return list(built_lines(Built(benchmarks=(one,), data_sets={})))


def test_counts_prompt_and_choices() -> None:
    assert lines() == [
        "arc: 1 document, 1 shot, 4 requests, longest prompt 1,200 tokens",
        "   its first prompt, as the model will see it:",
        "   | Question:",
        "   | Answer:",
        "   and after it one of: ' a', ' b'",
    ]


def test_without_a_tokenizer_the_length_is_left_out_and_a_generated_answer_has_no_choices() -> None:
    found = lines(longest_prompt=None, continuations=())
    assert found[0] == "arc: 1 document, 1 shot, 4 requests"
    assert found[-1] == "   | Answer:"


def test_one_continuation_is_no_choice_and_of_many_some_are_shown() -> None:
    assert lines(continuations=(" a",))[-1] == "   and after it: ' a'"
    many = lines(continuations=tuple(f" {n}" for n in range(MOST_CHOICES + 5)))[-1]
    assert many.endswith(" and 5 more")


def test_what_is_odd_is_said_before_the_prompt() -> None:
    assert lines(leaked=3, without_gold=1)[1:3] == [
        "   ⚠️ in 3 prompts a few-shot example holds the question itself",
        "   ⚠️ in 1 document the gold answer is none of the choices",
    ]


def test_no_prompt_moves_the_cursor() -> None:
    assert "\x1b" not in "".join(lines(name="\x1b[2J", prompt="\x1b[2J", continuations=("\x1b[2J",)))
