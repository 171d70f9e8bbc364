"""A mistake in a config is said once, with its line, its key, what stands there and what was expected."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from benchy.config import BenchmarkConfig
from benchy.config.mistakes import MOST_SHOWN, KeyPath, describe_mistakes, key_lines, type_name
from benchy.errors import ConfigError

VALID: dict[str, Any] = {"model": {"name": "m"}, "evaluation": {"tasks": "t"}}


def described(data: dict[str, Any], lines: dict[KeyPath, int] | None = None) -> list[str]:
    """Return what is said of a config that is wrong."""
    with pytest.raises(ValidationError) as refused:
        BenchmarkConfig.model_validate(data)
    return describe_mistakes(refused.value.errors(), BenchmarkConfig, lines or {})


def composed(text: str) -> yaml.Node:
    """Return what PyYAML makes of a text before it makes values."""
    node = yaml.compose(text)
    assert node is not None
    return node


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"modle": {}}, 'unknown key "modle"; did you mean "model"?'),
        ({"model": {"name": "m", "limit": 1}}, 'unknown key "model.limit"; did you mean "evaluation.limit"?'),
        ({"logging": {"zzz": 1}}, 'unknown key "logging.zzz"; expected one of: log_dir'),
        ({"wandb": {}}, 'missing key "wandb.project"'),
        ({"model": {"name": 7}}, '"model.name" is 7 (a number); expected text'),
        ({"model": {"name": ""}}, "\"model.name\" is '' (a string); expected some text"),
        ({"model": {"name": None}}, '"model.name" is None (nothing); expected text'),
        ({"model": {"name": ["m"]}}, "\"model.name\" is ['m'] (a list); expected text"),
        ({"model": "m"}, "\"model\" is 'm' (a string); expected a section"),
        ({"performance": {"use_accelerate": "yes"}}, "is 'yes' (a string); expected true or false"),
        ({"performance": {"num_gpus": 1.5}}, '"performance.num_gpus" is 1.5 (a number); expected a whole number'),
        ({"download": {"stall_seconds": "1"}}, "is '1' (a string); expected a number"),
        ({"container": {"memory": "8 gb"}}, "is '8 gb' (a string); expected a size such as 512m or 8g"),
        ({"container": {"volumes": ["a"]}}, "expected source:target or source:target:ro"),
    ],
)
def test_one_mistake_is_one_sentence(sections: dict[str, Any], said: str) -> None:
    (sentence,) = described(VALID | sections)
    assert said in sentence


def test_the_members_of_a_union_are_one_mistake() -> None:
    (sentence,) = described(VALID | {"evaluation": {"tasks": "t", "batch_size": []}})
    assert sentence == '"evaluation.batch_size" is [] (a list); expected a whole number or text'


@pytest.mark.parametrize("given", [{"model": {"name": {"token": "s3cret"}}}, {"environment": {"TOKEN": "s3cret"}}])
def test_what_may_be_a_secret_is_not_shown(given: dict[str, Any]) -> None:
    (sentence,) = described(VALID | given)
    assert "s3cret" not in sentence
    assert "is a section; expected" in sentence


def test_a_missing_section_says_what_it_needs() -> None:
    assert described({"model": {"name": "m"}}) == ['missing section "evaluation"; it needs tasks']


def test_many_mistakes_are_counted() -> None:
    said = described(VALID | {f"key_{number}": 1 for number in range(MOST_SHOWN + 7)})
    assert len(said) == MOST_SHOWN + 1
    assert said[-1] == "and 7 more"


def test_the_line_is_that_of_the_key_or_of_the_section_around_it() -> None:
    text = "model:\n  name: m\n  dtyp: x\nevaluation: {tasks: t}\nwandb:\n  tags: [a, 1]\n"
    said = described(yaml.safe_load(text), key_lines(composed(text), source="x"))
    assert [sentence.partition(" ")[2].partition(":")[0] for sentence in said] == ["3", "5", "6"]


def test_each_key_and_item_has_its_line() -> None:
    node = composed("a:\n  b: 1\nc:\n- x\n- d: 2\n")
    lines = {("a",): 1, ("a", "b"): 2, ("c",): 3, ("c", 0): 4, ("c", 1): 5, ("c", 1, "d"): 5}
    assert key_lines(node, source="x.yaml") == lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", 'x.yaml: line 3: "a" is written twice; keep one'),
        ("a:\n  b: 1\n  b: 1\n", 'x.yaml: line 3: "a.b" is written twice; keep one'),
        ("a:\n- b: 1\n  b: 2\n", 'x.yaml: line 3: "a.0.b" is written twice; keep one'),
        ("a: 1\n? [b, c]\n: 2\n", "x.yaml: line 2: a key is a list or a section, not text"),
    ],
)
def test_a_key_that_yaml_would_lose_in_silence_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        key_lines(composed(text), source="x.yaml")
    assert refused.value.message == said


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "nothing"),
        ("", "a string"),
        ({}, "a section"),
        ([], "a list"),
        (1, "a number"),
        (0.5, "a number"),
        (True, "bool"),
        (yaml.safe_load("2026-01-02"), "date"),
    ],
)
def test_a_value_is_called_by_yamls_words(value: object, name: str) -> None:
    assert type_name(value) == name
