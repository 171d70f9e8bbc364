"""Counts the prompts whose few-shot examples hold the question itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import zip_longest
from typing import Any

from benchy.worker.harness.patching import replaced


@contextmanager
def leaks_noticed(tasks: Mapping[str, Any]) -> Iterator[Counter[str]]:
    """Provide the counts by benchmark, once lm-eval has built the prompts.

    It draws examples from the test split where a benchmark has no other, and takes the document itself out only where
    ``fewshot_split`` names that split.
    """
    leaked: Counter[str] = Counter()
    with ExitStack() as stack:
        for name, task in tasks.items():
            stack.enter_context(_watched(task, partial(leaked.update, [name])))
        yield leaked


@contextmanager
def _watched(task: Any, notice: Callable[[], None]) -> Iterator[None]:
    """While a prompt is built, lm-eval asks for the text and the choices of each example, and last of the document."""
    asked: dict[str, list[Any]] = {"doc_to_text": [], "doc_to_choice": []}
    build = task.fewshot_context

    def noted(method: str) -> Callable[..., Any]:
        original = getattr(task, method)

        def note(*args: Any, **kwargs: Any) -> Any:
            found = original(*args, **kwargs)
            asked[method].append(found)
            return found

        return note

    def built(*args: Any, **kwargs: Any) -> Any:
        with replaced(task, **{method: noted(method) for method in asked if hasattr(task, method)}):
            prompt = build(*args, **kwargs)
        *examples, question = zip_longest(*asked.values()) if any(asked.values()) else [("", None)]
        if question in examples and question[0] != "":
            notice()
        for texts in asked.values():
            texts.clear()
        return prompt

    with replaced(task, fewshot_context=built):
        yield
