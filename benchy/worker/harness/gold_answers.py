"""Finds the documents of multiple choice whose gold answer is none of their choices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from benchy.errors import EvaluationFailed
from benchy.worker.harness.patching import replaced


@contextmanager
def gold_answers_checked(tasks: Mapping[str, Any]) -> Iterator[dict[str, list[int]]]:
    """Collect such documents by benchmark while lm-eval builds the requests, before a model is asked.

    lm-eval counts each of them as wrong, whatever the model says, and tells it in a log line.

    Raises:
        EvaluationFailed: no document of a benchmark has a gold answer among its choices.
    """
    found: dict[str, list[int]] = {}
    with ExitStack() as stack:
        for name, task in tasks.items():
            if _is_scored_by_lm_eval(task):
                stack.enter_context(replaced(task, build_all_requests=_checked(name, task, found)))
        yield found


def is_without_gold(task: Any, document: Any) -> bool:
    """Tell whether a document's gold answer is none of its choices, as lm-eval's ``process_results`` reads it."""
    choices = task.doc_to_choice(document)
    gold = task.doc_to_text(document) if task.multiple_input else task.doc_to_target(document)
    answers = gold if isinstance(gold, list) else [gold]
    return not answers or not all(_is_among(choices, answer) for answer in answers)


def describe_gold(task: Any, document: Any) -> str:
    """Say which gold answer a document has, and which choices."""
    gold = task.doc_to_text(document) if task.multiple_input else task.doc_to_target(document)
    return f"{quoted(gold)} for the choices {quoted(task.doc_to_choice(document))}"


def _is_scored_by_lm_eval(task: Any) -> bool:
    """Tell whether lm-eval scores its documents: one whose own code does may keep its gold answers anywhere."""
    from lm_eval.api.task import ConfigurableTask

    return (
        getattr(task, "OUTPUT_TYPE", None) == "multiple_choice"
        and getattr(type(task), "process_results", None) is ConfigurableTask.process_results
        and not callable(task.config.process_results)
    )


def _checked(name: str, task: Any, found: dict[str, list[int]]) -> Callable[..., None]:
    build = task.build_all_requests

    def built(*args: Any, **kwargs: Any) -> None:
        build(*args, **kwargs)
        documents = {request.doc_id: request.doc for request in task.instances}
        counts = Counter(request.doc_id for request in task.instances)
        for number, document in documents.items():
            _require_scorable(task, document, counts[number])
        wrong = [number for number, document in documents.items() if is_without_gold(task, document)]
        if documents and len(wrong) == len(documents) and kwargs.get("world_size", 1) == 1:  # a rank sees its share
            raise _no_gold_at_all(name, task, documents[wrong[0]])
        found[name] = wrong

    return built


def _require_scorable(task: Any, document: Any, requests: int) -> None:
    """Let lm-eval score a document whose choices or gold answer are of no common form, before a model is asked.

    Args:
        task: lm-eval's object.
        document: one of its rows.
        requests: how many the document has.

    Raises:
        EvaluationFailed: lm-eval cannot, as `document_faults` names it.
    """
    choices = task.doc_to_choice(document)
    gold = task.doc_to_text(document) if task.multiple_input else task.doc_to_target(document)
    are_texts = isinstance(choices, list) and all(choice and isinstance(choice, str) for choice in choices)
    if not are_texts or task.multiple_target or not isinstance(gold, int | str):
        type(task).process_results(task, document, [(-1.0, False)] * requests)  # the class's own: this is no score


def _is_among(choices: Sequence[str], answer: Any) -> bool:
    if isinstance(answer, int):  # a bool is one, as lm-eval takes it
        return 0 <= answer < len(choices)
    return isinstance(answer, str) and answer in choices


def _no_gold_at_all(name: str, task: Any, document: Any) -> EvaluationFailed:
    return EvaluationFailed(
        f'benchmark "{name}": no document has a gold answer among its choices; the first has '
        f"{describe_gold(task, document)}",
        hint="doc_to_target must give the number of the right choice, from 0, or its very text",
    )


def quoted(value: Any) -> str:
    """Give a value of a document as Python writes it, cut to what a person reads."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
