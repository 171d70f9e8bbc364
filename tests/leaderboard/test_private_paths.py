"""Paths of this machine and secrets are cleaned from what is published, and prompts are left as they were."""

from __future__ import annotations

from typing import Any

import pytest

from benchy.leaderboard.private_paths import clean_results, last_part
from tests.records import make_record

RECORD = make_record(
    "/home/ada/models/llama",
    evaluation={"include_path": "/home/ada/tasks", "output_path": "/data/runs"},
    model_config={"args": {"peft": "/home/ada/adapter"}},
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/ada/models/llama", "llama"),
        ("pretrained=/home/ada/models/llama,peft=/home/ada/adapter", "pretrained=llama,peft=adapter"),
        ("results___home__ada__models__llama.json", "results___home__ada__models__llama.json"),
        ("/home/ada/models/llama-2", "llama-2"),  # a whole path, though none of the record's
        ("/somewhere/else/data.jsonl", "data.jsonl"),
        ("~/own/data.jsonl", "data.jsonl"),
        ("/", "/"),
        ("and/or", "and/or"),
        ("https://host/a/b", "https://host/a/b"),
        ("see /etc/hosts for more", "see /etc/hosts for more"),
    ],
)
def test_texts(text: str, left: str) -> None:
    assert clean_results({"value": [text, 5, None, True]}, RECORD) == {"value": [left, 5, None, True]}


def test_what_lm_eval_makes_of_a_path_for_a_files_name_is_cleaned_too() -> None:
    assert clean_results({"model_name_sanitized": "__home__ada__models__llama"}, RECORD) == {
        "model_name_sanitized": "llama"
    }


@pytest.mark.parametrize("key", ["doc_to_text", "description", "system_instruction", "fewshot_delimiter", "until"])
def test_a_prompt_that_looks_like_a_path_is_left(key: str) -> None:
    assert clean_results({key: "/imagine/a/cat"}, RECORD) == {key: "/imagine/a/cat"}
    assert clean_results({key: "/home/ada/models/llama"}, RECORD) == {key: "llama"}, "one of ours is hidden there too"


def test_secrets_are_masked() -> None:
    cleaned: dict[str, Any] = clean_results({"config": {"api_key": "abc", "url": "http://ada:s3cret@host"}}, RECORD)
    assert cleaned == {"config": {"api_key": "***", "url": "http://ada:***@host"}}


@pytest.mark.parametrize(
    ("text", "last"), [("/a/b", "b"), ("/", "/"), ("~/x", "x"), ("org/name", "org/name"), ("", "")]
)
def test_the_last_part_of_a_path(text: str, last: str) -> None:
    assert last_part(text) == last
