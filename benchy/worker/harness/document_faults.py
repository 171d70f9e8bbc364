"""Names the benchmark, document and key of a fault that lm-eval meets while it builds prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from typing import Any

from benchy.errors import EvaluationFailed
from benchy.worker.failures import name_failure
from benchy.worker.harness.gold_answers import describe_gold, is_without_gold
from benchy.worker.harness.patching import replaced

KEYS = ("doc_to_text", "doc_to_target", "doc_to_choice")
SPLITS = {
    "training_docs": "training_split",
    "validation_docs": "validation_split",
    "test_docs": "test_split",
    "fewshot_docs": "fewshot_split",
}
"""lm-eval's methods that read a split, and the keys that name it."""


@contextmanager
def faults_named() -> Iterator[None]:
    """Raise EvaluationFailed, with what was expected and what to do, for what lm-eval raises inside.

    lm-eval itself says ``KeyError: 'validation'``, ``'questionn' is undefined`` or ``Sample larger than population``.
    """
    from lm_eval.api.task import ConfigurableTask

    with ExitStack() as stack:
        for key in KEYS:
            stack.enter_context(replaced(ConfigurableTask, **{key: _naming_the_key(ConfigurableTask, key)}))
        for method, key in SPLITS.items():
            stack.enter_context(
                replaced(ConfigurableTask, **{method: _naming_the_split(ConfigurableTask, method, key)})
            )
        stack.enter_context(replaced(ConfigurableTask, fewshot_context=_naming_the_shots(ConfigurableTask)))
        yield


def _naming_the_key(kind: Any, key: str) -> Callable[..., Any]:
    original = getattr(kind, key)

    def named(task: Any, doc: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(task, doc, *args, **kwargs)
        except EvaluationFailed:
            raise
        except Exception as error:
            raise _unfilled(task, doc, key, error) from error

    return named


def _unfilled(task: Any, doc: Any, key: str, error: Exception) -> EvaluationFailed:
    template, fields = getattr(task.config, key), sorted(doc) if isinstance(doc, Mapping) else []
    asked = f" ({template!r})" if isinstance(template, str) else ""
    return EvaluationFailed(
        f'benchmark "{task.config.task}": {key}{asked} fails for a document: {type(error).__name__}: {error}',
        hint=f"the document has the fields {', '.join(fields)}; fix {key} in the benchmark's YAML, or the data",
    )


def refuse_misspelled_fields(tasks: Mapping[str, Any]) -> None:
    """Refuse a key that is nearly a field's name: lm-eval would take the word itself for every prompt.

    Raises:
        EvaluationFailed: with the field that was meant.
    """
    for name, task in tasks.items():
        fields = list(getattr(task, "features", ()))
        for key in KEYS:
            word = getattr(task.config, key, None)
            if not isinstance(word, str) or not word.isidentifier() or word in fields:
                continue
            if meant := get_close_matches(word, fields, n=1):
                raise EvaluationFailed(
                    f'benchmark "{name}": {key} is "{word}", which is no field of the data',
                    hint=f'did you mean "{meant[0]}"? The fields are {", ".join(fields)}',
                )


def _naming_the_split(kind: Any, method: str, key: str) -> Callable[..., Any]:
    original = getattr(kind, method)

    def named(task: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(task, *args, **kwargs)
        except KeyError as error:
            wanted, splits = getattr(task.config, key, None), list(getattr(task, "dataset", None) or ())
            if wanted is None or wanted in splits:
                raise
            raise EvaluationFailed(
                f'benchmark "{task.config.task}": {key} is "{wanted}", and the data has no such split',
                hint=f"its splits are {', '.join(map(str, splits))}; fix {key} in the benchmark's YAML",
            ) from error

    return named


def _naming_the_shots(kind: Any) -> Callable[..., Any]:
    original = kind.fewshot_context

    def named(task: Any, doc: Any, num_fewshot: int, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(task, doc, num_fewshot, *args, **kwargs)
        except EvaluationFailed:
            raise
        except Exception as error:
            raise _no_prompt(task, num_fewshot, error) from error

    return named


def _no_prompt(task: Any, shots: int, error: Exception) -> Exception:
    name, examples = task.config.task, list(task.fewshot_docs() or ()) if shots else []
    if shots and shots >= len(examples):
        split = task.config.fewshot_split
        where = f'the split "{split}" has' if split else "there are"
        return EvaluationFailed(
            f'benchmark "{name}": {shots} few-shot examples are asked for, and {where} {len(examples)} documents',
            hint="lower num_fewshot, or name a larger fewshot_split; a question is never its own example",
        )
    for number, example in enumerate(examples):
        if task.config.doc_to_choice is not None and is_without_gold(task, example):
            return EvaluationFailed(
                f'benchmark "{name}": document {number} of the few-shot examples has no gold answer among its choices: '
                f"{describe_gold(task, example)}",
                hint="fix that document; doc_to_target gives the number of the right choice, from 0, or its very text",
            )
    return name_failure(error, EvaluationFailed, f'benchmark "{name}": a prompt cannot be built')
