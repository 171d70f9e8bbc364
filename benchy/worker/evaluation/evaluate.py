"""Runs lm-evaluation-harness on the model that is already loaded."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchy.config import BenchmarkConfig
from benchy.errors import EvaluationFailed
from benchy.protocol import Evaluation, Phase
from benchy.record import EvaluationResult, ModelIdentity
from benchy.worker.answers.progress import RequestCounter
from benchy.worker.answers.store import AnswerStore
from benchy.worker.answers.timing import Clock
from benchy.worker.backends.lm import lm_eval_arguments
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.evaluation.prompting import prompting_of
from benchy.worker.evaluation.results import benchmark_result, group_result
from benchy.worker.evaluation.score_warnings import fewshot_counts, find_drift
from benchy.worker.evaluation.simple_evaluate import simple_evaluate
from benchy.worker.failures import failing_as
from benchy.worker.harness.benchmarks import build_tasks
from benchy.worker.harness.document_faults import faults_named
from benchy.worker.harness.questions import QuestionReader
from benchy.worker.loading import loaded_model
from benchy.worker.ranks import RankDone, own_rank
from benchy.worker.session import Session

if TYPE_CHECKING:
    from benchy.worker.answers.resumable_lm import ResumableLM

logger = logging.getLogger(__name__)


def evaluation(session: Session, request: Evaluation) -> EvaluationResult:
    """Evaluate; lm-eval's own results and samples files go to the run's folder, unchanged.

    Raises:
        ModelLoadError: the model was not loaded yet, and does not load.
        NotEnoughMemory, DiskFull: while evaluating.
        EvaluationFailed: lm-eval raised.
    """
    config, identity = session.prepared()
    newly_loaded = session.model is None
    model = loaded_model(session)
    lm = model.lm
    if own_rank() > 0 and lm.world_size == 1:  # lm-eval shares the work out over GPUs only: rank 0 does it all
        raise RankDone
    arguments = lm_eval_arguments(config, identity)
    tasks = session.tasks or build_tasks(config, arguments)
    session.tasks = None  # they hold the answers afterwards: another evaluation builds its own
    session.emit(Phase(name="evaluate"))
    fewshot = fewshot_counts(tasks.loaded["tasks"])
    clock = Clock(build_seconds=tasks.build_seconds)
    questions = QuestionReader(lm, config.evaluation.system_instruction)
    folder = Path(request.run_folder)
    with (
        failing_as(EvaluationFailed, "the evaluation failed"),
        faults_named(),  # before what replaces methods of the tasks themselves
        _resumable(session, model, folder, tasks.loaded["tasks"], clock) as resumable,
        questions.watching(tasks.loaded["tasks"]),
        clock.watching(tasks.loaded["tasks"]),
    ):
        evaluated = simple_evaluate(config, arguments, model, tasks, folder, lm=resumable)
        warnings = find_drift(config, model, tasks.loaded["tasks"], fewshot)
    benchmarks = {
        name: benchmark_result(
            name, evaluated, tasks.loaded["tasks"][name], clock.seconds(name), questions.of_benchmark(name)
        )
        for name in evaluated.benchmarks
    }
    flaws = [f"{name}: {said}" for name, part in benchmarks.items() for said in part.flaws.said(part.documents)]
    for warning in (*warnings, *flaws):
        logger.warning(warning)
    return EvaluationResult(
        benchmarks=tuple(benchmarks.values()),
        groups=tuple(
            group_result(name, evaluated.results, benchmarks, questions.of_group(tasks.loaded["groups"][name]))
            for name in evaluated.results.get("groups", {})
        ),
        prompting=prompting_of(config, lm),
        warnings=(*warnings, *flaws),
        results_file=evaluated.results_file,
        requests=clock.requests,
        resumed_requests=resumable.found,
        resumed_seconds=resumable.found_seconds,
        seeds=config.evaluation.seeds,
        batch_sizes=tuple(resumable.used_batch_sizes),
        scoring=model.scoring,
        load_seconds=session.load_seconds if newly_loaded else None,
        task_build_seconds=clock.total("task_build"),
        inference_seconds=clock.total("inference"),
        scoring_seconds=clock.total("scoring"),
    )


@contextmanager
def _resumable(
    session: Session, model: LoadedModel, folder: Path, tasks: dict[str, Any], clock: Clock
) -> Iterator[ResumableLM]:
    """Answers come from the run's store, and go there; a second evaluation into the same folder goes on with it."""
    from benchy.worker.answers.resumable_lm import ResumableLM

    folder.mkdir(parents=True, exist_ok=True)
    config, identity = session.prepared()
    name = f"answers_{model.lm.rank}.jsonl" if model.lm.world_size > 1 else "answers.jsonl"
    with closing(AnswerStore(folder / name, answer_identity(config, identity, model))) as store:
        yield ResumableLM(model, store, RequestCounter(tasks, session.emit), clock, session.replicas)


def answer_identity(config: BenchmarkConfig, identity: ModelIdentity, model: LoadedModel) -> dict[str, Any]:
    """All that decides what a model answers to a request, but for the request."""
    scoring = model.scoring
    return {
        "model": identity.model_dump(mode="json"),
        "backend": config.model.backend,
        "scoring": scoring and scoring.way,
        "arguments": lm_eval_arguments(config, identity),
        "device": config.evaluation.device,
        "mixed_precision": config.performance.mixed_precision,
        "chat_template": config.evaluation.apply_chat_template,
        "seeds": config.evaluation.seeds,
        "versions": {name: importlib.metadata.version(name) for name in ("lm_eval", "torch", "transformers")},
    }
