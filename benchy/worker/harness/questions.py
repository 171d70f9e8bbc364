"""What a benchmark asks, as a digest: the same on every machine, whatever model is asked and in whatever order.

lm-eval's own ``task_hashes`` leave out the choices, the generation arguments, the filters, the metrics and all that is
done with an answer, depend on the order of the documents and on the model's chat template, and are there only where
samples are kept.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from benchy.record import Questions
from benchy.worker.harness.benchmarks import random_state, restore_random_state
from benchy.worker.harness.patching import replaced

LEFT_OUT = {
    "task": "a column is called as its benchmark",
    "task_alias": "only shown",
    "tag": "only names it",
    "custom_dataset": "the documents and the examples are read instead",
    "dataset_path": "the documents and the examples are read instead",
    "dataset_name": "the documents and the examples are read instead",
    "dataset_kwargs": "the documents and the examples are read instead",
    "training_split": "the documents and the examples are read instead",
    "validation_split": "the documents and the examples are read instead",
    "test_split": "the documents and the examples are read instead",
    "fewshot_split": "the documents and the examples are read instead",
    "process_docs": "the documents and the examples are read instead",
    "fewshot_config": "the examples are read instead, and its other settings where there are any",
    "use_prompt": "the prompt itself is read instead",
    "unsafe_code": "it only asks for leave",
    "should_decontaminate": "lm-eval does nothing with it",
    "doc_to_decontamination_query": "lm-eval does nothing with it",
    "metadata": "its version is a condition of its own, and the rest names files and the model",
}
"""The fields of lm-eval's ``TaskConfig`` that are no part of what is asked, and why; every other field is one."""
LEFT_OUT_OF_EXAMPLES = {
    "split": "the examples are read instead",
    "samples": "the examples are read instead",
    "process_docs": "the examples are read instead",
}
"""The same of its ``FewshotConfig``."""
LONGEST_SETTING = 120
"""How many characters of a setting are kept as they are; of a longer one its SHA-256 is."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class QuestionReader:
    """Reads what the benchmarks of one evaluation ask, when lm-eval has built their requests."""

    def __init__(self, lm: Any, system_instruction: str | None) -> None:
        """Nothing is read yet.

        Args:
            lm: lm-eval's model, whose ranks each build a part of the requests.
            system_instruction: what the config puts before every prompt.
        """
        self._lm = lm
        self._system_instruction = system_instruction
        self._read: dict[str, Questions] = {}

    @contextmanager
    def watching(self, tasks: Mapping[str, Any]) -> Iterator[None]:
        """Read each task's questions as soon as it is built; a score may change what a task holds."""
        with ExitStack() as stack:
            for name, task in tasks.items():
                stack.enter_context(replaced(task, build_all_requests=self._then_read(name, task)))
            yield

    def of_benchmark(self, name: str) -> Questions | None:
        """Return what one benchmark asks; None on a rank that does not gather."""
        return self._read.get(name)

    def of_group(self, group: Any) -> Questions:
        """Return what all benchmarks below lm-eval's group ask, and how their scores become one."""
        below = sorted((task.task_name, self._read[task.task_name].digest) for task in group.get_all_tasks())
        means = [plain(mean) for mean in group.aggregate_metric_list or ()]
        return make_questions(_digest(below), None, {"aggregate_metric_list": means} if means else {})

    def _then_read(self, name: str, task: Any) -> Callable[..., None]:
        build = task.build_all_requests

        def built(*args: Any, **kwargs: Any) -> None:
            build(*args, **kwargs)
            state = random_state()  # a benchmark's own functions may draw, and the next prompts must be lm-eval's
            parts = self._lm.gather_object(list(_document_lines(task)))
            restore_random_state(state)
            if parts is not None:
                documents = _digest(sorted(line for part in parts for line in part))
                settings = _settings(task) | _present({"system_instruction": self._system_instruction})
                self._read[name] = make_questions(documents, _examples(task), settings)

        return built


def make_questions(documents: str, examples: str | None, settings: Mapping[str, Any]) -> Questions:
    """Return the account with its digest; settings are of JSON's own types."""
    return Questions.of(documents, examples, {name: as_setting(settings[name]) for name in sorted(settings)})


def as_setting(value: Any) -> str:
    """Return a setting of JSON's own types as it is kept: its JSON, or the hash of a long one."""
    return _short(json.dumps(value, sort_keys=True))


def _document_lines(task: Any) -> Iterator[str]:
    """One hash of each document that is asked, with its gold answer; the documents as they are in the requests.

    To read them from the task again would draw anew where ``process_docs`` draws.
    """
    seen = set()
    for request in task.instances:
        if request.doc_id not in seen:
            seen.add(request.doc_id)
            yield _line([request.doc, task.doc_to_target(request.doc)])


def _examples(task: Any) -> str | None:
    """SHA-256 over the documents that few-shot examples are drawn from, in their order, which decides the draw."""
    pool = getattr(getattr(task, "sampler", None), "df", None)
    return _digest([_line(document) for document in pool or ()]) if task.get_config("num_fewshot") else None


def _settings(task: Any) -> dict[str, Any]:
    """Every field of the task's config that has another value than lm-eval's default, as lm-eval evaluates it."""
    found = _fields(task.config, LEFT_OUT)
    examples = task.config.fewshot_config
    if task.get_config("num_fewshot") and dataclasses.is_dataclass(
        examples
    ):  # else it is a class without such settings
        own = _fields(examples, LEFT_OUT_OF_EXAMPLES)
        found |= {
            f"fewshot_config.{name}": value
            for name, value in own.items()
            if value != plain(getattr(task.config, name, None))
        }
    return found | _present({"class": _own_class(type(task)), "use_prompt": _prompt(getattr(task, "prompt", None))})


def _prompt(prompt: Any) -> Any:
    """Return what ``use_prompt`` led to.

    A text, a function, or an object that holds the text of a file or of promptsource.
    """
    return plain(prompt if prompt is None or isinstance(prompt, str) or callable(prompt) else vars(prompt))


def _fields(config: Any, left_out: Iterable[str]) -> dict[str, Any]:
    values = {field.name: (getattr(config, field.name), field.default) for field in dataclasses.fields(config)}
    return {
        name: plain(value)
        for name, (value, default) in values.items()
        if name not in left_out and value is not None and value != default
    }


def _own_class(kind: type) -> list[Any] | None:
    """Return the code of a benchmark that is a class of its own."""
    own = [part for part in kind.__mro__ if part.__module__ not in {"builtins", "abc", "lm_eval.api.task"}]
    return [_callable(part) for part in own] or None


def plain(value: Any) -> Any:
    """Return a value in JSON's own types; equal for equal numbers, functions of equal source, and on every machine."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping) and not dataclasses.is_dataclass(value):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return _other(value)


def _other(value: Any) -> Any:
    """Return what JSON does not know."""
    if isinstance(value, set | frozenset):
        return sorted(json.dumps(plain(part), sort_keys=True) for part in value)
    if isinstance(value, bytes | bytearray):
        return ["bytes", hashlib.sha256(value).hexdigest()]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if callable(value):
        return _callable(value)
    if hasattr(value, "tobytes"):  # a picture, an array
        form = [str(getattr(value, name, "")) for name in ("dtype", "mode", "shape", "size")]
        return [type(value).__qualname__, form, hashlib.sha256(value.tobytes()).hexdigest()]
    return [type(value).__qualname__, _ADDRESS.sub("", str(value))]


def _callable(value: Any) -> Any:
    """Its name and source, that of its module (which holds what it uses), and the values that it was made with."""
    if isinstance(value, partial):
        return [_callable(value.func), plain(value.args), plain(value.keywords)]
    code = inspect.unwrap(value)
    named = code if hasattr(code, "__qualname__") else type(code)
    own = [] if named is code else sorted(_ADDRESS.sub("", f"{name}={part}") for name, part in vars(code).items())
    return [named.__qualname__, _source(named), _source(inspect.getmodule(named) or named), *own, *_made_with(code)]


def _made_with(function: Any) -> Iterator[Any]:
    """Yield the values in a function's closure, and its defaults."""
    values = inspect.getclosurevars(function).nonlocals if inspect.isfunction(function) else {}
    defaults = [getattr(function, name, None) for name in ("__defaults__", "__kwdefaults__")]
    for value in (*values.values(), *defaults):
        yield getattr(value, "__qualname__", "") if callable(value) else plain(value)


def _source(thing: Any) -> str:
    """SHA-256 of its source; empty where there is none, as of a builtin."""
    try:
        return hashlib.sha256(inspect.getsource(thing).encode()).hexdigest()
    except (OSError, TypeError):
        return ""


def _line(document: Any) -> str:
    """Return a document's hash."""
    try:
        text = json.dumps(document, sort_keys=True, default=_other)
    except (TypeError, ValueError):  # keys of several types
        text = json.dumps(plain(document), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SETTING else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _present(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value}
