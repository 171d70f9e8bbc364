"""How comparable runs rank."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from benchy.leaderboard.board import Board, Entry, Score, Suite
from benchy.record import RECORD_FILE, EvaluationResult, RunRecord
from benchy.results.conditions import Conditions, conditions_of, headline, ranked_parts
from benchy.results.significance import Field, Scored


def rank(records: Iterable[RunRecord], *, unreadable: Iterable[str] = ()) -> Board:
    """The leaderboard of finished records; the same records give the same leaderboard, in whatever order they come."""
    by_conditions: dict[Conditions, list[tuple[tuple[str, ...], Entry]]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.run_name):
        if record.evaluation is not None:
            entry = _entry(record, record.evaluation)
            by_conditions[conditions_of(record, record.evaluation)].append((_same_model(entry), entry))
    suites = [_suite(conditions, entries) for conditions, entries in by_conditions.items()]
    return Board(
        updated_at=max((entry.finished_at for suite in suites for entry in suite.entries), default=None),
        suites=tuple(sorted(suites, key=_suite_order)),
        unreadable=tuple(sorted(unreadable)),
    )


def mean_of(scores: Iterable[Score]) -> Score:
    """Unweighted mean, and its standard error with the scores taken as independent: sqrt(sum of squares) / n."""
    scores = tuple(scores)
    values = [score.value for score in scores if score.value is not None]
    if not values or len(values) < len(scores):
        return Score(value=None, stderr=None)
    squares = [score.stderr**2 for score in scores if score.stderr is not None]
    stderr = math.sqrt(math.fsum(squares)) / len(values) if len(squares) == len(values) else None
    return Score(value=math.fsum(values) / len(values), stderr=stderr)


def _entry(record: RunRecord, evaluation: EvaluationResult) -> Entry:
    scores = tuple(
        Score(value=metric.value, stderr=metric.stderr) for metric in map(headline, ranked_parts(evaluation))
    )
    model, tested = record.model, record.model_test
    folder = PurePosixPath("records", record.run_name)
    return Entry(
        run_name=record.run_name,
        standing="test" if record.is_test else "unranked",
        model=model.name if model else record.config.model.name,
        model_hash=(model.commit or model.content_hash) if model else None,
        dtype=tested.dtype if tested and tested.dtype else record.config.model.dtype,
        arguments=_arguments(record),
        parameters=tested.parameters if tested else None,
        mean=mean_of(scores),
        scores=scores,
        finished_at=record.ended_at or record.started_at,
        record=str(folder / RECORD_FILE),
        results=str(folder / evaluation.results_file),
    )


def _arguments(record: RunRecord) -> dict[str, str]:
    """What makes the same weights another model; only what was set."""
    model = record.config.model
    told = {"backend": model.lm_eval_backend, "max_length": model.max_length, **model.args}
    if record.config.performance.mixed_precision != "no":
        told["mixed_precision"] = record.config.performance.mixed_precision
    return {name: str(told[name]) for name in sorted(told) if told[name] is not None}


def _same_model(entry: Entry) -> tuple[str, ...]:
    """Equal for runs of one model: weights, dtype and arguments."""
    arguments = (f"{name}={value}" for name, value in entry.arguments.items())
    return (entry.model, entry.model_hash or "", entry.dtype or "", *arguments)


def _suite(conditions: Conditions, entries: list[tuple[tuple[str, ...], Entry]]) -> Suite:
    reason = _no_rank_because(conditions, [entry for _, entry in entries])
    by_age = sorted(entries, key=lambda keyed: (keyed[1].finished_at, keyed[1].run_name))
    current = list(dict(by_age).values())  # of equal keys the last stays: the newest
    names = {entry.run_name for entry in current}
    older = [entry for _, entry in entries if entry.run_name not in names]
    if not conditions.is_test:
        older = [entry.model_copy(update={"standing": "older"}) for entry in older]
        current = current if reason else _ranked(current, conditions)
    return Suite(
        id=hashlib.sha256(conditions.model_dump_json().encode()).hexdigest()[:12],
        conditions=conditions,
        no_rank_because=reason,
        entries=tuple(sorted([*current, *older], key=_entry_order)),
    )


def _no_rank_because(conditions: Conditions, entries: list[Entry]) -> str | None:
    """Why a mean would mean nothing here."""
    if conditions.is_test:
        return "tests see only part of each benchmark"
    directions = {benchmark.higher_is_better for benchmark in conditions.benchmarks}
    if not directions:
        return "no benchmark has a score"
    if None in directions:
        return "lm-eval does not say of every metric whether higher is better"
    if len(directions) > 1:
        return "of some metrics higher is better, of others lower"
    values = [score.value for entry in entries for score in entry.scores if score.value is not None]
    if len(conditions.benchmarks) > 1 and not all(0 <= value <= 1 for value in values):
        return "the metrics have no common scale: not all are proportions"
    return None


def _ranked(entries: list[Entry], conditions: Conditions) -> list[Entry]:
    """With their ranks; a run with a score missing has none."""
    better = 1 if conditions.benchmarks[0].higher_is_better else -1
    scored = [_signed(entry.mean, better) for entry in entries]
    ahead = Field([one for one in scored if one is not None])
    behind = Field([_mirrored(one) for one in scored if one is not None])
    count = sum(one is not None for one in scored)
    return [
        entry
        if own is None
        else entry.model_copy(
            update={
                "standing": "ranked",
                "rank": 1 + ahead.better(own),
                "best_rank": 1 + ahead.leading(own),
                "worst_rank": count - behind.leading(_mirrored(own)),
            }
        )
        for entry, own in zip(entries, scored, strict=True)
    ]


def _signed(mean: Score, better: int) -> Scored | None:
    return None if mean.value is None else (better * mean.value, mean.stderr or 0.0)


def _mirrored(scored: Scored) -> Scored:
    """Less is better: who leads it there is who trails it here."""
    return -scored[0], scored[1]


def _entry_order(entry: Entry) -> tuple[int, int, str, str]:
    standing = {"ranked": 0, "unranked": 1, "test": 1, "older": 2}[entry.standing]
    return standing, entry.rank or 0, entry.model, entry.run_name


def _suite_order(suite: Suite) -> tuple[bool, int, str]:
    ranked = sum(entry.standing == "ranked" for entry in suite.entries)
    return suite.conditions.is_test, -ranked, suite.id
