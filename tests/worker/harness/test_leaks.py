"""Prompts that hold their own question among the examples are counted, whatever builds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from benchy.worker.harness.leaks import leaks_noticed


class Task:
    """What is asked of lm-eval's task: it puts the texts of examples and of the document into a prompt."""

    def __init__(self, examples: Sequence[str]) -> None:
        self.examples = examples

    def doc_to_text(self, doc: str) -> str:
        return doc

    def doc_to_choice(self, doc: str) -> list[str]:
        return [doc.upper()]

    def fewshot_context(self, doc: str) -> str:
        return "\n".join(f"{self.doc_to_text(one)} {self.doc_to_choice(one)}" for one in (*self.examples, doc))


class OwnPrompts(Task):
    """A benchmark that is a class, and builds its prompts itself."""

    def fewshot_context(self, doc: str) -> str:
        return f"own: {doc}"


def counted(task: Any, *documents: str) -> int:
    with leaks_noticed({"own": task}) as leaked:
        for document in documents:
            assert document in task.fewshot_context(document)
    assert "fewshot_context" not in vars(task)
    return leaked["own"]


@pytest.mark.parametrize(
    ("examples", "leaks"), [((), 0), (("other",), 0), (("one",), 1), (("one", "two"), 2), (("", "x"), 0)]
)
def test_the_question_itself_among_the_examples(examples: tuple[str, ...], leaks: int) -> None:
    assert counted(Task(examples), "one", "two", "") == leaks


def test_a_benchmark_that_builds_its_prompts_itself_is_left_alone() -> None:
    assert counted(OwnPrompts(["one"]), "one", "two") == 0
