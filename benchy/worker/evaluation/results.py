"""Turns lm-eval's results into the record's typed scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from benchy.record import BenchmarkResult, BenchmarkSeconds, Metric, Questions
from benchy.record.results import all_flaws
from benchy.worker.answers.keys import prompts_hash
from benchy.worker.evaluation.simple_evaluate import Evaluated

T = TypeVar("T")
About = Callable[[str, str], tuple[bool | None, int]]
"""Of a metric and a filter: whether higher is better, and of how many documents it is made."""


def benchmark_result(
    name: str, evaluated: Evaluated, task: Any, seconds: BenchmarkSeconds, questions: Questions | None
) -> BenchmarkResult:
    """Return the scores of one benchmark."""
    results = evaluated.results
    counts, scores = results["n-samples"][name], results["results"][name]
    higher_is_better, documents = results["higher_is_better"].get(name, {}), evaluated.documents[name]
    return BenchmarkResult(
        name=name,
        alias=_alias(name, scores),
        version=str(results["versions"].get(name, "")),
        num_fewshot=results["n-shot"].get(name),
        documents=counts["effective"],
        documents_in_all=counts["original"],
        metrics=_metrics(scores, lambda metric, of: (higher_is_better.get(metric), documents[metric, of])),
        samples_file=evaluated.samples_files.get(name),
        scores_file=evaluated.score_files.get(name),
        prompts_hash=prompts_hash(task),
        questions=questions,
        seconds=seconds,
        flaws=evaluated.flaws[name],
    )


def group_result(
    name: str, results: Mapping[str, Any], benchmarks: Mapping[str, BenchmarkResult], questions: Questions | None
) -> BenchmarkResult:
    """Return the scores of one group, and what its benchmarks agree on.

    lm-eval 0.4.13 passes ``higher_is_better`` and the n-shot on to a group before the groups below it have their own.
    """
    scores, members = results["results"][name], _members(name, results["group_subtasks"])
    below = [benchmarks[member] for member in members if member in benchmarks]
    return BenchmarkResult(
        name=name,
        alias=_alias(name, scores),
        version=str(results["versions"].get(name, "")),
        num_fewshot=_common(part.num_fewshot for part in below),
        documents=sum(part.documents for part in below),
        documents_in_all=sum(part.documents_in_all for part in below),
        metrics=_metrics(scores, lambda metric, of: _about(metric, of, below)),
        questions=questions,
        members=members,
        flaws=all_flaws(part.flaws for part in below),
    )


def _about(name: str, filter_name: str, below: Sequence[BenchmarkResult]) -> tuple[bool | None, int]:
    """Return what the benchmarks below a group say of one of its metrics."""
    same = [one for part in below for one in part.metrics if (one.name, one.filter) == (name, filter_name)]
    return _common(one.higher_is_better for one in same), sum(one.documents or 0 for one in same)


def _common(values: Iterable[T | None]) -> T | None:
    """Return the one value that all have."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def _alias(name: str, scores: Mapping[str, Any]) -> str:
    return str(scores.get("alias", name)).strip(" -")


def _members(name: str, children: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All that is below a group, at any depth, each once."""
    below = [one for child in children.get(name, ()) for one in (child, *_members(child, children))]
    return tuple(dict.fromkeys(below))


def _metrics(scores: Mapping[str, Any], about: About) -> tuple[Metric, ...]:
    """lm-eval keeps ``acc,none`` beside ``acc_stderr,none``."""
    found = []
    for key, value in scores.items():
        metric, comma, filter_name = key.partition(",")
        if comma and not metric.endswith("_stderr"):
            higher_is_better, documents = about(metric, filter_name)
            found.append(
                Metric(
                    name=metric,
                    filter=filter_name,
                    value=_number(value),
                    stderr=_number(scores.get(f"{metric}_stderr,{filter_name}")),
                    higher_is_better=higher_is_better,
                    documents=documents,
                )
            )
    return tuple(found)


def _number(value: object) -> float | None:
    """lm-eval writes "N/A" for a standard error that is not defined."""
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
