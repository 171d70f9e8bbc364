"""lm-eval's samples are read a line at a time, with the prompt and the choices that the model was given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchy.results.samples import choices_of, prompt_of, read_samples
from tests.records import benchmark, make_samples, metric


def test_each_line_is_a_sample(tmp_path: Path) -> None:
    samples = make_samples(benchmark("arc", metric(0.5)))
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(f"{json.dumps(sample)}\n" for sample in samples), encoding="utf-8")
    assert list(read_samples(path)) == samples


def test_what_comes_before_a_damaged_line_is_read(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_text('{"doc_id": 0}\n{"doc_id"')
    found = read_samples(tmp_path / "samples.jsonl")
    assert next(found) == {"doc_id": 0}
    with pytest.raises(ValueError, match="Expecting"):
        next(found)


def test_a_prompt_and_its_choices() -> None:
    sample = make_samples(benchmark("arc", metric(0.5)))[0]
    assert prompt_of(sample) == "Question: Where does crow 0 live?"
    assert choices_of(sample) == [" sea", " field"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"gen_args_0": {"arg_0": "Say", "arg_1": {"until": ["."]}}},  # generated
        {"gen_args_0": {"arg_0": "Say", "arg_1": " it"}},  # one continuation is no choice
        {"gen_args_0": {"arg_0": "whole text"}, "gen_args_1": {"arg_0": "whole text"}},
    ],
)
def test_what_is_no_multiple_choice_has_no_choices(arguments: dict[str, object]) -> None:
    assert choices_of({"arguments": arguments}) == []


def test_a_document_without_requests_has_an_empty_prompt() -> None:
    assert prompt_of({"arguments": {}}) == ""
