"""Calls lm-eval's simple_evaluate with the config's options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchy.config import BenchmarkConfig, EvaluationConfig
from benchy.record import Flaws
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.evaluation.flaws import find_flaws
from benchy.worker.evaluation.output_files import write_files
from benchy.worker.evaluation.score_files import write_score_files
from benchy.worker.harness.benchmarks import hand_over
from benchy.worker.harness.gold_answers import gold_answers_checked
from benchy.worker.harness.leaks import leaks_noticed
from benchy.worker.harness.metric_documents import MetricDocuments, documents_counted
from benchy.worker.harness.quiet_git import git_asked_quietly
from benchy.worker.harness.speedups import compiled_once, listed_without_pip
from benchy.worker.ranks import RankDone


@dataclass(frozen=True)
class Evaluated:
    """What lm-eval found."""

    results: dict[str, Any]
    """lm-eval's own, without samples."""
    documents: Mapping[str, MetricDocuments]
    """Of how many each benchmark's metrics are made."""
    flaws: Mapping[str, Flaws]
    """By benchmark."""
    results_file: str
    """The name of lm-eval's own."""
    samples_files: Mapping[str, str]
    """Likewise, by benchmark."""
    score_files: Mapping[str, str]
    """Names of the tables of each document's scores, by benchmark."""

    @property
    def benchmarks(self) -> list[str]:
        """Their names."""
        return list(self.results["configs"])


def simple_evaluate(
    config: BenchmarkConfig, arguments: dict[str, Any], model: LoadedModel, tasks: Any, folder: Path, *, lm: Any
) -> Evaluated:
    """Do as ``lm_eval run`` does: evaluate, write the results file, write a samples file a benchmark.

    Args:
        config: how to evaluate.
        arguments: lm-eval's own, of the model.
        model: who answers.
        tasks: built benchmarks.
        folder: gets the files.
        lm: whom lm-eval asks: the model's own object, or what stands before it.
    """
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    tracker, built = EvaluationTracker(output_path=str(folder / "results.json")), tasks.loaded["tasks"]
    with documents_counted(built) as documents, prompts_watched(built) as (leaked, without_gold):
        results = simple_evaluate(
            model=lm,
            model_args=arguments,
            tasks=tasks.names,
            task_manager=hand_over(tasks),
            evaluation_tracker=tracker,
            **options_of(config),
        )
    flaws = find_flaws(model, built, leaked, without_gold)
    if results is None:
        raise RankDone
    results["config"]["model"] = tracker.general_config_tracker.model_source = config.model.lm_eval_backend
    samples = results.pop("samples", None) or {}
    score_files = write_score_files(folder, samples, config.evaluation.cluster)
    results_file, samples_files = write_files(tracker, folder, results, samples)
    return Evaluated(results, documents, flaws, results_file, samples_files, score_files)


@contextmanager
def prompts_watched(tasks: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, int], Mapping[str, list[int]]]]:
    """Watch lm-eval build its prompts, in less time than it takes alone.

    Args:
        tasks: lm-eval's objects by name.

    Yields:
        Two counts by benchmark, which grow: prompts that hold their own question among the few-shot examples, and the
        numbers of the documents without a gold answer.
    """
    with (
        listed_without_pip(),
        compiled_once(),
        git_asked_quietly(),
        leaks_noticed(tasks) as leaked,
        gold_answers_checked(tasks) as without_gold,
    ):
        yield leaked, without_gold


def options_of(config: BenchmarkConfig) -> dict[str, Any]:
    """Return the config's evaluation section for ``simple_evaluate``, of the types that ``lm_eval run`` gives."""
    evaluation: EvaluationConfig = config.evaluation
    python_seed, numpy_seed, torch_seed, fewshot_seed = evaluation.seeds
    return {
        "num_fewshot": evaluation.num_fewshot,
        "batch_size": str(evaluation.batch_size),
        "max_batch_size": evaluation.max_batch_size,
        "device": evaluation.device,
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
