"""Gathers the scores of each model from all its runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from benchy.leaderboard.board import Cell, Kind, RunScore
from benchy.masking import mask_data
from benchy.record import RECORD_FILE, EvaluationResult, Prompting, Questions, RunRecord
from benchy.results.conditions import Conditions, conditions_of, headline, prompting_of, ranked_parts


@dataclass
class Asked:
    """A column in the making."""

    id: str
    conditions: Conditions
    questions: Questions | None


@dataclass
class GatheredModel:
    """A row in the making: one model in all its runs that may stand in one table."""

    id: str
    kind: Kind
    newest: RunRecord
    asked: dict[str, Asked] = field(default_factory=dict)
    """By the id of the column."""
    scores: dict[str, list[RunScore]] = field(default_factory=dict)
    """Likewise; the newest is the last."""

    def cell(self, column: str) -> Cell | None:
        """Its newest score there, with those before it."""
        scores = self.scores.get(column)
        return Cell(**scores[-1].model_dump(), older=tuple(scores[:-1])) if scores else None


def gather(records: Iterable[RunRecord]) -> list[GatheredModel]:
    """Each model once for each kind of score that it has, in the order of the first.

    Args:
        records: in the order in which the store received them: of a model's scores in one column the last one stands.
    """
    found: dict[tuple[Kind, str], GatheredModel] = {}
    for record in records:
        if record.evaluation is not None:
            _add(record, record.evaluation, found)
    return list(found.values())


def _add(record: RunRecord, evaluation: EvaluationResult, found: dict[tuple[Kind, str], GatheredModel]) -> None:
    model = _digest(identity(record))
    parts = [(part, conditions_of(part, evaluation, record)) for part in ranked_parts(evaluation)]
    kinds = {_kind(conditions) for _, conditions in parts} or {"test" if record.is_test else "comparable"}
    for kind in sorted(kinds):
        found.setdefault((kind, model), GatheredModel(model, kind, record)).newest = record
    for part, conditions in parts:
        row, column = found[_kind(conditions), model], _digest(conditions.model_dump(mode="json"))
        metric = headline(part)
        flaws = part.flaws.said(part.documents)
        score = RunScore(value=metric.value, stderr=metric.stderr, flaws=flaws, **_where(record, evaluation))
        row.asked.setdefault(column, Asked(column, conditions, part.questions))
        row.scores.setdefault(column, []).append(score)


def _kind(conditions: Conditions) -> Kind:
    if conditions.is_test:
        return "test"
    return "comparable" if conditions.are_proven else "unproven"


def _where(record: RunRecord, evaluation: EvaluationResult) -> dict[str, Any]:
    folder = PurePosixPath("records", record.run_name)
    return {
        "run_name": record.run_name,
        "finished_at": record.ended_at or record.started_at,
        "record": str(folder / RECORD_FILE),
        "results": str(folder / PurePosixPath(evaluation.results_file).name),
    }


def identity(record: RunRecord) -> dict[str, Any]:
    """All that makes it one model and no other: weights, dtype, arguments and way of being prompted."""
    model, tested = record.model, record.model_test
    return {
        "model": record.model_label,
        "source": model and model.source,
        "commit": model and model.commit,
        "content_hash": model and model.content_hash,
        "parts": model.parts if model else {},
        "dtype": tested.dtype if tested and tested.dtype else record.config.model.dtype,
        "arguments": _arguments(record),
        "prompting": prompting_of(record),
    }


def _arguments(record: RunRecord) -> dict[str, str]:
    """Return what makes the same weights another model; only what was set."""
    model = record.config.model
    told = {"backend": model.lm_eval_backend, "max_length": model.max_length, **model.args}
    if record.config.performance.mixed_precision != "no":
        told["mixed_precision"] = record.config.performance.mixed_precision
    return {name: str(value) for name, value in sorted(mask_data(told).items()) if value is not None}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=_as_data).encode()).hexdigest()[:12]


def _as_data(value: Prompting) -> dict[str, Any]:
    return value.model_dump(mode="json")
