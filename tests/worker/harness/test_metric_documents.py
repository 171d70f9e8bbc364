"""Each metric's own count of documents is read while lm-eval scores."""

from __future__ import annotations

from types import SimpleNamespace

from lm_eval import evaluator_utils

from benchy.worker.harness.metric_documents import documents_counted

AGGREGATE = "_compute_task_aggregations"


def test_the_counts_are_by_metric_and_filter_and_lm_evals_function_comes_back() -> None:
    before = getattr(evaluator_utils, AGGREGATE)
    task = SimpleNamespace(task_name="arc", aggregation=lambda: {"acc": sum, "f1": len})
    raw = {("acc", "none"): [1, 0, 1], ("f1", "strict"): [1]}
    with documents_counted({"arc": task}) as counts:
        getattr(evaluator_utils, AGGREGATE)(task, raw, 0)
    assert counts == {"arc": {("acc", "none"): 3, ("f1", "strict"): 1}}
    assert getattr(evaluator_utils, AGGREGATE) is before
