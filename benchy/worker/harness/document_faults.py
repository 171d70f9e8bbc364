"""Names the benchmark, document and key of a fault that lm-eval meets while it builds prompts or scores answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from difflib import get_close_matches
from typing import Any

from benchy.errors import BenchyError, EvaluationFailed, PromptTimeout, causes
from benchy.worker.failures import failing_as, name_failure
from benchy.worker.harness.gold_answers import describe_gold, is_without_gold, quoted
from benchy.worker.harness.patching import replaced
from benchy.worker.harness.prompt_limit import raising_after

NAMED = (EvaluationFailed, PromptTimeout)
"""Errors that say what is wrong by themselves."""
KEYS = ("doc_to_text", "doc_to_target", "doc_to_choice")
SECONDS_FOR_A_TEMPLATE = 10
"""For one document; a template that fills in fields takes some microseconds."""
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

    lm-eval itself says ``KeyError: 'validation'``, ``'questionn' is undefined``, ``Sample larger than population`` or
    ``list index out of range``.
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
        stack.enter_context(replaced(ConfigurableTask, __init__=_naming_the_first_document(ConfigurableTask)))
        stack.enter_context(replaced(ConfigurableTask, download=_naming_the_lines(ConfigurableTask)))
        stack.enter_context(replaced(ConfigurableTask, construct_requests=_naming_the_request(ConfigurableTask)))
        stack.enter_context(replaced(ConfigurableTask, process_results=_naming_the_score(ConfigurableTask)))
        yield


def _naming_the_key(kind: Any, key: str) -> Callable[..., Any]:
    original = getattr(kind, key)

    def named(task: Any, doc: Any, *args: Any, **kwargs: Any) -> Any:
        template = getattr(task.config, key)
        limit = raising_after(SECONDS_FOR_A_TEMPLATE, lambda: _endless(task, key)) if _is_template(template) else None
        try:
            with limit or nullcontext():
                return original(task, doc, *args, **kwargs)
        except NAMED:
            raise
        except Exception as error:
            raise _unfilled(task, doc, key, error) from error

    return named


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "{" in value


def _endless(task: Any, key: str) -> EvaluationFailed:
    return EvaluationFailed(
        f'benchmark "{task.config.task}": {key} ({getattr(task.config, key)!r}) was still computing for one document '
        f"after {SECONDS_FOR_A_TEMPLATE} s",
        hint=f"fix {key} in the benchmark's YAML: a template says how a document is asked, and takes no time",
    )


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
        except NAMED:
            raise
        except Exception as error:
            raise _no_prompt(task, doc, num_fewshot, error) from error

    return named


def _no_prompt(task: Any, doc: Any, shots: int, error: Exception) -> Exception:
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
    return name_failure(
        error, EvaluationFailed, f'benchmark "{name}": no prompt can be built of {quoted(doc)}', hint=_MEND
    )


_MEND = "fix that document, or the keys doc_to_text, doc_to_choice and doc_to_target that read it"


def _naming_the_first_document(kind: Any) -> Callable[..., None]:
    """lm-eval tries each benchmark on its first document while it builds it."""
    original = kind.__init__

    def named(task: Any, *args: Any, **kwargs: Any) -> None:
        try:
            original(task, *args, **kwargs)
        except NAMED:
            raise
        except Exception as error:
            if not getattr(task, "task_docs", None):
                raise
            raise _wrong_first(task, task.task_docs[0], error) from error

    return named


def _wrong_first(task: Any, doc: Any, error: Exception) -> BenchyError:
    name = f'benchmark "{task.config.task}"'
    if task.config.doc_to_choice is None:
        return name_failure(error, EvaluationFailed, f"{name} cannot be tried on its first document, {quoted(doc)}")
    said = f"{name}: its first document has the gold answer {describe_gold(task, doc)}"
    return EvaluationFailed(said, hint=f"choices are texts, and the gold answer is one's number, from 0; {_MEND}")


def _naming_the_lines(kind: Any) -> Callable[..., None]:
    original = kind.download

    def named(task: Any, *args: Any, **kwargs: Any) -> None:
        from datasets.exceptions import DatasetGenerationError
        from pyarrow import ArrowException

        try:
            original(task, *args, **kwargs)
        except Exception as error:
            chain = list(causes(error))
            unread = [cause for cause in chain if isinstance(cause, ArrowException)]
            if not unread and isinstance(error, DatasetGenerationError) and isinstance(chain[-1], _OF_VALUES):
                unread = chain
            if not unread:
                raise
            said = f'benchmark "{task.config.task}": its data cannot be read: {" ".join(str(unread[-1]).split())}'
            raise EvaluationFailed(said, hint=_ONE_FORM) from error

    return named


_OF_VALUES = (ValueError, TypeError, LookupError, ArithmeticError)
"""What a reader of data raises for a value; not for a disk, a network or memory."""
_ONE_FORM = (
    "each line is one JSON object in UTF-8, and a field holds the same type in all of them (`null` may stand anywhere)"
)


def _naming_the_request(kind: Any) -> Callable[..., Any]:
    original = kind.construct_requests

    def named(task: Any, doc: Any, ctx: Any, **kwargs: Any) -> Any:
        number = kwargs["metadata"][1]
        doing = f'benchmark "{task.config.task}": nothing can be asked of document {number}, {quoted(doc)}'
        with failing_as(EvaluationFailed, doing, hint=_MEND):
            request = original(task, doc, ctx, **kwargs)
        if task.OUTPUT_TYPE in _OF_TARGETS and not isinstance(task.doc_to_target(doc), str):
            raise EvaluationFailed(f"{doing}: its target is no text", hint=_MEND)
        return request

    return named


_OF_TARGETS = {"loglikelihood", "loglikelihood_rolling"}
"""Output types whose requests hold what doc_to_target gives; a model's tokenizer takes text alone."""


def _naming_the_score(kind: Any) -> Callable[..., Any]:
    original = kind.process_results

    def named(task: Any, doc: Any, results: Any) -> Any:
        try:
            return original(task, doc, results)
        except NAMED:
            raise
        except Exception as error:
            numbers = [request.doc_id for request in task.instances or () if request.doc == doc]
            which = f"document {numbers[0]}" if numbers else "a document"
            doing = f'benchmark "{task.config.task}": {which} cannot be scored, {quoted(doc)}'
            raise name_failure(error, EvaluationFailed, doing, hint=_MEND) from error

    return named
