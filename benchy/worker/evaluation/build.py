"""Builds every request of the benchmarks without a model: what is wrong is said before weights are fetched."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from benchy.benchmarks.task_checks import answer_too_long
from benchy.checkpoint.files import source_of
from benchy.config import BenchmarkConfig
from benchy.errors import EvaluationFailed
from benchy.fast_imports import collecting_no_garbage
from benchy.protocol import Build, Phase
from benchy.record import Built, BuiltBenchmark, Fetched, ModelIdentity
from benchy.worker.backends.imports import import_libraries
from benchy.worker.backends.lm import lm_eval_arguments
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.backends.tokenized import TokenizedModel
from benchy.worker.backends.unloaded import create_unloaded
from benchy.worker.evaluation.simple_evaluate import options_of, prompts_watched
from benchy.worker.failures import failing_as
from benchy.worker.fetch.datasets import DataSets
from benchy.worker.harness.benchmarks import BuiltTasks, build_tasks, hand_over
from benchy.worker.harness.document_faults import faults_named
from benchy.worker.harness.patching import replaced
from benchy.worker.harness.trusted_loaders import holding_loaders_to
from benchy.worker.prepare import with_fetched
from benchy.worker.ranks import RankDone, own_rank
from benchy.worker.session import Session

REQUEST_METHODS = ("loglikelihood", "loglikelihood_rolling", "generate_until")
"""Of lm-eval's model objects: what ``evaluate`` calls once all requests of all benchmarks are built."""
MOST_TOKENIZED = 8
"""Of so many prompts with the most characters, the one with the most tokens is the longest."""


class _AllBuilt(BaseException):
    """lm-eval asks its first request: nothing is left to be built. No failure, which a handler would name."""


def build(session: Session, request: Build) -> Built:
    """Build every request; the worker is as before afterwards.

    Raises:
        ModelLoadError: the back end is not installed, or the tokenizer does not load.
        TaskNotFound, EvaluationFailed: a benchmark cannot be built.
        ConfigError: an answer may be as long as all that the model holds.
    """
    if own_rank() > 0:
        raise RankDone
    os.environ.update(request.server_keys)
    session.emit(Phase(name="task build"))
    with collecting_no_garbage():
        import_libraries(request.config)
    fetched = request.fetched or Fetched()
    identity = _identity(request.config, fetched)
    config = with_fetched(request.config, fetched)
    data_sets = DataSets.at(request.data_sets, fetched.data_sets)
    arguments = lm_eval_arguments(config, identity)
    with data_sets.pinned(), holding_loaders_to(arguments):
        tasks = build_tasks(config, arguments)
        model = create_unloaded(config, identity)
        leaked, without_gold = _build_requests(config, model, tasks)
    benchmarks = tuple(
        _benchmark(name, task, model, leaked.get(name, 0), len(without_gold.get(name, ())))
        for name, task in tasks.loaded["tasks"].items()
    )
    for name, task in tasks.loaded["tasks"].items():
        _require_room(name, task, request.model_length)
    return Built(benchmarks=benchmarks, data_sets=data_sets.versions)


def _identity(config: BenchmarkConfig, fetched: Fetched) -> ModelIdentity:
    """Without the hash of a folder: it is not read here."""
    return ModelIdentity(name=config.model.name, source=source_of(config.model), commit=fetched.commit)


def _build_requests(
    config: BenchmarkConfig, model: LoadedModel, tasks: BuiltTasks
) -> tuple[Mapping[str, int], Mapping[str, Sequence[int]]]:
    """Let lm-eval go as far as its first request; return the leaks, and the documents without a gold answer."""
    from lm_eval import simple_evaluate

    built, options = tasks.loaded["tasks"], options_of(config)
    if _is_dummy(model.lm):
        options |= {"apply_chat_template": False, "fewshot_as_multiturn": False}
    with (
        faults_named(),
        prompts_watched(built) as (leaked, without_gold),
        replaced(model.lm, **dict.fromkeys(REQUEST_METHODS, _stop)),
        failing_as(EvaluationFailed, "the benchmarks cannot be built"),
        suppress(_AllBuilt),
    ):
        simple_evaluate(model=model.lm, tasks=tasks.names, task_manager=hand_over(tasks), **options)
    return leaked, without_gold


def _stop(*_: Any, **__: Any) -> NoReturn:
    raise _AllBuilt


def _is_dummy(lm: Any) -> bool:
    from lm_eval.models.dummy import DummyLM

    return isinstance(lm, DummyLM)


def _benchmark(name: str, task: Any, model: LoadedModel, leaked: int, without_gold: int) -> BuiltBenchmark:
    first = task.instances[0]
    return BuiltBenchmark(
        name=name,
        documents=len({request.doc_id for request in task.instances}),
        shots=task.config.num_fewshot or 0,
        requests=sum(request.repeats for request in task.instances),
        longest_prompt=_longest(model, task.instances) if isinstance(model, TokenizedModel) else None,
        prompt=_text(first.args[0]),
        continuations=tuple(
            request.args[1]
            for request in task.instances
            if request.doc_id == first.doc_id and request.request_type == "loglikelihood"
        ),
        leaked=leaked,
        without_gold=without_gold,
    )


def _longest(model: TokenizedModel, requests: Sequence[Any]) -> int:
    texts = {"".join(_text(part) for part in request.args if isinstance(part, str)) for request in requests}
    return max(model.count_tokens(text) for text in sorted(texts, key=len)[-MOST_TOKENIZED:])


def _text(prompt: Any) -> str:
    """Return a prompt as text; a chat API is sent messages, which lm-eval wraps."""
    return str(getattr(prompt, "prompt", prompt))


def _require_room(name: str, task: Any, most: int | None) -> None:
    from lm_eval.models.utils import normalize_gen_kwargs

    limits = [
        normalize_gen_kwargs(request.args[1], default_max_gen_toks=0)["max_gen_toks"]
        for request in task.instances
        if request.request_type == "generate_until"
    ]
    if most is not None and limits and max(limits) >= most:
        raise answer_too_long(name, max(limits), most)
