"""A document is shown with its prompt's end, what the model answered, and what would have been right."""

from __future__ import annotations

from typing import Any

from benchy.display.samples import LONGEST_PROMPT, sample_lines
from tests.records import benchmark, make_samples, metric


def generated(prompt: str, answer: str) -> dict[str, Any]:
    arguments = {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": ["\n"]}}}
    return {"doc_id": 7, "arguments": arguments, "resps": [[answer]], "target": "30", "exact_match": 0.0}


def test_of_choices_the_likeliest_has_an_arrow_and_the_gold_answer_is_spelled_out() -> None:
    sample = make_samples(benchmark("arc", metric(1.0)))[1]
    assert list(sample_lines(sample, "acc")) == [
        "document 1: acc 1.0",
        "   | Question: Where does crow 1 live?",
        "        -3.900 ' sea'",
        "   →    -0.100 ' field'",
        "   gold: 1 (' field')",
    ]


def test_of_a_generated_text_the_text_is_shown() -> None:
    lines = list(sample_lines(generated("What is 4 plus 26?", "29"), "exact_match"))
    assert lines == ["document 7: exact_match 0.0", "   | What is 4 plus 26?", "   → 29", "   gold: 30"]


def test_of_a_long_prompt_the_end_is_shown_and_nothing_moves_the_cursor() -> None:
    lines = list(sample_lines(generated("x" * LONGEST_PROMPT + "\nWhat?\x1b[2J", "a\nb\x07"), "exact_match"))
    assert lines[1].startswith("   | … x")
    assert lines[2].startswith("   | What?")
    assert len(lines) == 5
    assert not {"\x1b", "\x07"} & set("".join(lines))
