"""How a model is prompted is told by the name and the hash of its chat template."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any

import pytest

from benchy.config import parse_config
from benchy.record import Prompting
from benchy.worker.evaluation.prompting import prompting_of


def told(template: str, **evaluation: Any) -> Prompting:
    config = parse_config({"model": {"name": "m"}, "evaluation": {"tasks": "t", **evaluation}}, source="test")
    return prompting_of(config, SimpleNamespace(chat_template=lambda _wanted: template))


def test_without_a_template_there_is_nothing_to_tell() -> None:
    assert told("{{ messages }}") == Prompting()


@pytest.mark.parametrize(("wanted", "name"), [(True, "default"), ("tool_use", "tool_use")])
def test_the_template_has_a_name_and_a_hash(wanted: bool | str, name: str) -> None:
    found = told("{{ messages }}", apply_chat_template=wanted)
    assert (found.chat_template, found.fewshot_as_multiturn) == (name, True)
    assert found.chat_template_hash == hashlib.sha256(b"{{ messages }}").hexdigest()


def test_behind_an_api_the_text_is_not_known() -> None:
    assert told("", apply_chat_template=True).chat_template_hash is None


def test_shots_may_be_one_text() -> None:
    assert told("x", apply_chat_template=True, fewshot_as_multiturn=False).fewshot_as_multiturn is False
