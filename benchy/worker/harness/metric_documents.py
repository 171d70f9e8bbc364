"""Counts the documents that each metric of a benchmark is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from benchy.worker.harness.patching import replaced

MetricDocuments = Mapping[tuple[str, str], int]
"""By metric and filter."""


@contextmanager
def documents_counted(tasks: Mapping[str, Any]) -> Iterator[dict[str, MetricDocuments]]:
    """Provide the counts by benchmark, once lm-eval has scored: it tells only that of the metric with most documents.

    Args:
        tasks: lm-eval's, by the names of their benchmarks.
    """
    from lm_eval import evaluator_utils

    aggregate: Any = evaluator_utils._compute_task_aggregations
    names = {id(task): name for name, task in tasks.items()}
    counts: dict[str, MetricDocuments] = {}

    def counted(task: Any, raw_metrics: dict[tuple[str, str], list[Any]], *args: Any) -> Any:
        counts[names[id(task)]] = {metric: len(values) for metric, values in raw_metrics.items()}
        return aggregate(task, raw_metrics, *args)

    with replaced(evaluator_utils, _compute_task_aggregations=counted):
        yield counts
