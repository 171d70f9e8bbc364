"""Refuses log-likelihoods that are no numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from benchy.errors import EvaluationFailed
from benchy.record import Flaws
from benchy.worker.backends.loaded_model import LoadedModel

MOST_NAMED = 10
"""Documents that a message names."""


def refuse_non_finite(model: LoadedModel, requests: Sequence[Any], answers: Sequence[Any]) -> None:
    """Make sure that all log-likelihoods are numbers; with several ranks, on rank 0, those of all.

    Raises:
        EvaluationFailed: one is NaN or infinite, which lm-eval counts as an answer like any other.
    """
    own = {(one.task_name, one.doc_id, _is_finite(answer)) for one, answer in zip(requests, answers, strict=True)}
    lm = model.lm
    everywhere = [own] if lm.world_size == 1 else lm.gather_object(own, dst=0) or [own]
    documents: dict[str, set[int]] = defaultdict(set)
    broken: dict[str, set[int]] = defaultdict(set)
    for benchmark, document, is_finite in set().union(*everywhere):
        documents[benchmark].add(document)
        if not is_finite:
            broken[benchmark].add(document)
    if broken:
        found = [_said(benchmark, sorted(broken[benchmark]), len(documents[benchmark])) for benchmark in sorted(broken)]
        raise EvaluationFailed("; ".join(found), hint=model.non_finite_hint)


def _is_finite(answer: Any) -> bool:
    """Of ``(log-likelihood, is greedy)``, or of a rolling log-likelihood."""
    return math.isfinite(answer[0] if isinstance(answer, tuple) else answer)


def _said(benchmark: str, broken: Sequence[int], documents: int) -> str:
    (what,) = Flaws(non_finite=len(broken)).said(documents)
    more = ", ..." if len(broken) > MOST_NAMED else ""
    return f"{benchmark}: {what} (documents {', '.join(map(str, broken[:MOST_NAMED]))}{more})"
