from __future__ import annotations

from lm_eval.utils import apply_template, env

from benchy.worker.harness.speedups import compiled_once

TEMPLATE = (
    "{% set shown = question | trim %}{{ shown }}{% for one in choices %} {{ loop.index }}: {{ one }}{% endfor %}"
)
DOCUMENTS = [{"question": f" how much is {n}? ", "choices": [n, n + 1]} for n in range(3)]


def test_templates_are_compiled_once_and_give_the_same_texts() -> None:
    plain = [apply_template(TEMPLATE, document) for document in DOCUMENTS]
    with compiled_once():
        assert env.from_string(TEMPLATE) is env.from_string(TEMPLATE)
        assert [apply_template(TEMPLATE, document) for document in DOCUMENTS] == plain
    assert env.from_string(TEMPLATE) is not env.from_string(TEMPLATE)
