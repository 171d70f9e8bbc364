"""Turns lm-eval's results into the record's typed scores."""

from __future__ import annotations

import math
from typing import Any

from benchy.record import BenchmarkResult, Metric, Questions
from benchy.worker.answers.keys import prompts_hash
from benchy.worker.answers.timing import Clock


def benchmark_result(
    name: str,
    results: dict[str, Any],
    questions: Questions | None,
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
        questions=questions,
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
