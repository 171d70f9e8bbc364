"""Calls lm-eval's simple_evaluate with the config's options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchy.config import BenchmarkConfig, EvaluationConfig
from benchy.worker.evaluation.output_files import written_files
from benchy.worker.harness.benchmarks import hand_over
from benchy.worker.harness.speedups import compiled_once, listed_without_pip
from benchy.worker.ranks import RankDone


def simple_evaluate(
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
    return results, list(results["configs"]), written_files(tracker, folder, samples or {})


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
