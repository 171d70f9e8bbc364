"""A chat template that computes for ever ends after performance.prompt_timeout."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchy.errors import PromptTimeout
from benchy.worker.harness.prompt_limit import limit_prompts
from tests.commands import DEMO, REPOSITORY, benchy, write_config

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


COMPARES_FOR_EVER = (
    "{% for m in messages %}{{ m['content'] }}{% endfor %}{% set ns = namespace(a=[1], b=[1]) %}"
    "{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}"
    "{% if ns.a == ns.b %}x{% endif %}"
)


@pytest.mark.parametrize("template", [COMPARES_FOR_EVER, NESTED_LOOPS])
def test_one_step_that_computes_for_ever_is_ended_too_and_the_template_is_blamed(tmp_path: Path, template: str) -> None:
    """One comparison of 2^60 items holds Python's own signals back; it held a GPU for a week, the run's own limit."""
    shutil.copytree(DEMO / "model", tmp_path / "model")
    settings = json.loads((tmp_path / "model" / "tokenizer_config.json").read_text())
    (tmp_path / "model" / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": template}))
    config = write_config(
        tmp_path,
        model={"name": str(tmp_path / "model")},
        evaluation={"tasks": "demo_addition", "apply_chat_template": True},
        performance={"prompt_timeout": 1},
    )
    done = benchy("check", config, "--build", cwd=REPOSITORY, seconds=120)
    assert done.returncode == PromptTimeout.exit_code, done.stderr
    assert "PromptTimeout: " in done.stderr
    assert "template was still computing one prompt" in done.stderr
