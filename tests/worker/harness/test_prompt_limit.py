"""A chat template that computes for ever ends after performance.prompt_timeout."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from benchy.errors import PromptTimeout
from benchy.worker.harness.prompt_limit import limit_prompts

NESTED_LOOPS = "{% for a in range(90000) %}{% for b in range(90000) %}{{ '' }}{% endfor %}{% endfor %}"
HELLO = [{"role": "user", "content": "Hello"}]


def model_with(template: str) -> Any:
    """Return an object with the part of lm-eval's that puts messages into a template: transformers' own."""
    from transformers.utils.chat_template_utils import render_jinja_template

    def apply(messages: list[dict[str, str]]) -> str:
        rendered, _ = render_jinja_template(conversations=[messages], chat_template=template)
        return str(rendered[0])

    return SimpleNamespace(apply_chat_template=apply)


def test_a_template_that_computes_for_ever_is_ended() -> None:
    lm = model_with(NESTED_LOOPS)
    limit_prompts(lm, 0.5)
    began = time.monotonic()
    with pytest.raises(PromptTimeout, match=r"still computing one prompt after 0.5 s"):
        lm.apply_chat_template(HELLO)
    assert time.monotonic() - began < 30


def test_one_that_ends_is_left_alone_however_many_prompts_there_are() -> None:
    lm = model_with("{{ messages[0].content }}")
    limit_prompts(lm, 0.2)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        assert lm.apply_chat_template(HELLO) == "Hello"
