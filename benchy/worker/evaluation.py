"""Runs lm-evaluation-harness on the model that is already loaded."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import math
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchy.config import BenchmarkConfig, EvaluationConfig
from benchy.errors import EvaluationFailed
from benchy.protocol import Evaluation, Phase
from benchy.record import BenchmarkResult, EvaluationResult, Metric, ModelIdentity
from benchy.worker.answering import Answering
from benchy.worker.answers import AnswerStore
from benchy.worker.clock import Clock
from benchy.worker.counting import RequestCounter
from benchy.worker.drift import fewshot_counts, find_drift, prompts_hash
from benchy.worker.failures import failing_as
from benchy.worker.model import lm_eval_arguments, loaded_model, scoring_of
from benchy.worker.packages import listed_without_pip
from benchy.worker.ranks import RankDone, own_rank
from benchy.worker.session import Session
from benchy.worker.tasks import build_tasks, hand_over
from benchy.worker.templates import compiled_once

logger = logging.getLogger(__name__)

PROBE_BYTES = 1 << 20


def evaluation(session: Session, request: Evaluation) -> EvaluationResult:
    """Evaluate; lm-eval's own results and samples files go to the run's folder, unchanged.

    Raises:
        ModelLoadError: the model was not loaded yet, and does not load.
        NotEnoughMemory, DiskFull: while evaluating.
        EvaluationFailed: lm-eval raised.
    """
    config, identity = session.prepared()
    newly_loaded = session.lm is None
    lm = loaded_model(session)
    if own_rank() > 0 and lm.world_size == 1:  # lm-eval shares the work out over GPUs only: rank 0 does it all
        raise RankDone
    arguments = lm_eval_arguments(config, identity)
    tasks = session.tasks or build_tasks(config, arguments)
    session.tasks = None  # they hold the answers afterwards: another evaluation builds its own
    session.emit(Phase(name="evaluate"))
    fewshot = fewshot_counts(tasks.loaded["tasks"])
    clock = Clock(build_seconds=tasks.build_seconds)
    folder = Path(request.run_folder)
    with (
        failing_as(EvaluationFailed, "the evaluation failed"),
        _answering(session, folder, tasks.loaded["tasks"]) as answering,
        clock.watching(lm, tasks.loaded["tasks"], lambda: answering.found_seconds),
    ):
        results, names, files = _evaluate(config, arguments, lm, tasks, folder)
        warnings = find_drift(config, lm, tasks.loaded["tasks"], fewshot)
    for warning in warnings:
        logger.warning(warning)
    return EvaluationResult(
        benchmarks=tuple(
            _benchmark(name, results, clock=clock, files=files, task=tasks.loaded["tasks"][name]) for name in names
        ),
        groups=tuple(_benchmark(name, results) for name in results.get("groups", {})),
        warnings=warnings,
        results_file=files["results"],
        requests=clock.requests,
        resumed_requests=answering.found,
        resumed_seconds=answering.found_seconds,
        seeds=config.evaluation.seeds,
        batch_sizes=tuple(answering.batch_sizes),
        scoring=scoring_of(lm),
        load_seconds=session.load_seconds if newly_loaded else None,
        task_build_seconds=clock.total("task_build"),
        inference_seconds=clock.total("inference"),
        scoring_seconds=clock.total("scoring"),
    )


@contextmanager
def _answering(session: Session, folder: Path, tasks: dict[str, Any]) -> Iterator[Answering]:
    """Answers come from the run's store, and go there; a second evaluation into the same folder goes on with it."""
    folder.mkdir(parents=True, exist_ok=True)
    config, identity = session.prepared()
    name = f"answers_{session.lm.rank}.jsonl" if session.lm.world_size > 1 else "answers.jsonl"
    with closing(AnswerStore(folder / name, answer_identity(config, identity, session.lm))) as store:
        answering = Answering(session.lm, store, RequestCounter(tasks, session.emit), session.replicas)
        with answering.standing_in():
            yield answering


def answer_identity(config: BenchmarkConfig, identity: ModelIdentity, lm: Any) -> dict[str, Any]:
    """All that decides what a model answers to a request, but for the request."""
    scoring = scoring_of(lm)
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


def _evaluate(
    config: BenchmarkConfig, arguments: dict[str, Any], lm: Any, tasks: Any, folder: Path
) -> tuple[dict[str, Any], list[str], dict[str, str]]:
    """``lm_eval run``'s own sequence: evaluate, write the results file, write a samples file a benchmark."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    tracker = EvaluationTracker(output_path=str(folder / "results.json"))
    with listed_without_pip(), compiled_once():
        results = simple_evaluate(
            model=lm,
            model_args=arguments,
            tasks=tasks.names,
            task_manager=hand_over(tasks),
            evaluation_tracker=tracker,
            **_options(config),
        )
    if results is None:
        raise RankDone
    results["config"]["model"] = tracker.general_config_tracker.model_source = config.model.lm_eval_backend
    samples = results.pop("samples", None)
    tracker.save_results_aggregated(results=results, samples=samples)
    for name in samples or {}:
        tracker.save_results_samples(task_name=name, samples=samples[name])
    return results, list(results["configs"]), _written_files(tracker, folder, samples or {})


def _options(config: BenchmarkConfig) -> dict[str, Any]:
    """The config's evaluation section as arguments of ``simple_evaluate``, of the types that ``lm_eval run`` gives."""
    evaluation: EvaluationConfig = config.evaluation
    python_seed, numpy_seed, torch_seed, fewshot_seed = evaluation.seeds
    return {
        "num_fewshot": evaluation.num_fewshot,
        "batch_size": str(evaluation.batch_size),
        "max_batch_size": evaluation.max_batch_size,
        "device": evaluation.device,
        "cache_requests": evaluation.cache_requests,
        "limit": evaluation.limit,
        "log_samples": evaluation.log_samples,
        "system_instruction": evaluation.system_instruction,
        "apply_chat_template": evaluation.apply_chat_template,
        "fewshot_as_multiturn": _fewshot_as_multiturn(evaluation),
        "gen_kwargs": evaluation.gen_kwargs or {},
        "confirm_run_unsafe_code": evaluation.confirm_run_unsafe_code,
        "random_seed": python_seed,
        "numpy_random_seed": numpy_seed,
        "torch_random_seed": torch_seed,
        "fewshot_random_seed": fewshot_seed,
    }


def _fewshot_as_multiturn(evaluation: EvaluationConfig) -> bool | None:
    """lm-eval's default: true with a chat template."""
    if evaluation.fewshot_as_multiturn is None and evaluation.apply_chat_template:
        return True
    return evaluation.fewshot_as_multiturn


def _written_files(tracker: Any, folder: Path, samples: dict[str, list[Any]]) -> dict[str, str]:
    """The names of lm-eval's files. Its tracker only warns when it cannot write, so look.

    Raises:
        OSError: the folder cannot be written.
        EvaluationFailed: a file is missing, or only a part is there.
    """
    results = f"results_{tracker.date_id}.json"
    names = {name: f"samples_{name}_{tracker.date_id}.jsonl" for name in samples}
    broken = [names[name] for name in samples if _count_lines(folder / names[name]) != len(samples[name])]
    if not _is_json(folder / results):
        broken.append(results)
    if broken:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
        raise EvaluationFailed(f"lm-eval could not write {', '.join(broken)} to {folder}", hint="the log says why")
    return {"results": results} | names


def _count_lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(1 for line in file if line.endswith(b"\n"))
    except OSError:
        return -1


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def _benchmark(
    name: str,
    results: dict[str, Any],
    *,
    clock: Clock | None = None,
    files: dict[str, str] | None = None,
    task: Any = None,
) -> BenchmarkResult:
    """Of one benchmark; of a group, which has neither seconds nor files nor a task."""
    counts = results["n-samples"].get(name) or _group_counts(name, results)
    scores = results["results"].get(name) or results["groups"][name]
    return BenchmarkResult(
        name=name,
        alias=str(scores.get("alias", name)).strip(" -"),
        version=str(results["versions"].get(name, "")),
        num_fewshot=results["n-shot"].get(name),
        documents=counts["effective"],
        documents_in_all=counts["original"],
        metrics=_metrics(scores, results["higher_is_better"].get(name, {})),
        samples_file=(files or {}).get(name),
        prompts_hash=prompts_hash(task) if task is not None else None,
        seconds=clock.seconds(name) if clock else None,
        members=tuple(_members(name, results)),
    )


def _members(name: str, results: dict[str, Any]) -> list[str]:
    """All that is below a group, at any depth, each once."""
    children: list[str] = results["group_subtasks"].get(name, [])
    below = [child for parent in children for child in (parent, *_members(parent, results))]
    return list(dict.fromkeys(below))


def _group_counts(name: str, results: dict[str, Any]) -> dict[str, int]:
    """Of all benchmarks below a group."""
    counts = {"original": 0, "effective": 0}
    for child in results["group_subtasks"].get(name, []):
        below = results["n-samples"].get(child) or _group_counts(child, results)
        counts = {key: counts[key] + below[key] for key in counts}
    return counts


def _metrics(scores: dict[str, Any], higher_is_better: dict[str, bool | None]) -> tuple[Metric, ...]:
    """lm-eval keeps ``acc,none`` beside ``acc_stderr,none``."""
    found = []
    for key, value in scores.items():
        metric, comma, filter_name = key.partition(",")
        if comma and not metric.endswith("_stderr"):
            found.append(
                Metric(
                    name=metric,
                    filter=filter_name,
                    value=_number(value),
                    stderr=_number(scores.get(f"{metric}_stderr,{filter_name}")),
                    higher_is_better=higher_is_better.get(metric),
                )
            )
    return tuple(found)


def _number(value: object) -> float | None:
    """lm-eval writes "N/A" for a standard error that is not defined."""
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
