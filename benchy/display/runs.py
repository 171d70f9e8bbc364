"""What a person reads of runs on disk: their list, and one of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from benchy.display.tables import Row, model_test_block
from benchy.plain_text import plain_line
from benchy.record import RunRecord, now
from benchy.results.conditions import headline, ranked_parts
from benchy.runs.listing import ListedRun

MOST_SCORES = 3
"""Of one run in the list."""


def run_rows(runs: list[ListedRun]) -> list[Row]:
    """Return a row a run."""
    return [
        {
            "status": run.state,
            "since": since(run.record.ended_at or run.record.started_at),
            "scores": scores_in_short(run.record),
            "run": plain_line(run.record.run_name),
        }
        for run in runs
    ]


def since(moment: datetime) -> str:
    """Return how long ago something was, as ``--since`` takes it: ``3m``, ``5h``, ``2d``."""
    seconds = max((now() - moment).total_seconds(), 0)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:.0f}s"


def scores_in_short(record: RunRecord) -> str:
    """Return the first headline scores; of a run without scores the benchmarks' names."""
    if record.evaluation is None:
        return plain_line(", ".join(record.config.evaluation.tasks[:MOST_SCORES]))
    parts = ranked_parts(record.evaluation)
    more = f" and {len(parts) - MOST_SCORES} more" if len(parts) > MOST_SCORES else ""
    values = ((part.name, headline(part).value) for part in parts[:MOST_SCORES])
    return plain_line(", ".join(f"{name} {'-' if value is None else f'{value:.4f}'}" for name, value in values)) + more


def run_lines(run: ListedRun) -> Iterator[str]:
    """Yield what a run is, how it went and what ended it."""
    record = run.record
    yield f"{plain_line(record.run_name)}: {run.state}{', a test (evaluation.limit)' if record.is_test else ''}"
    facts = {
        "Model": record.model_label,
        "Commit": record.model and record.model.commit,
        "Benchmarks": ", ".join(record.config.evaluation.tasks),
        "Began": f"{record.started_at:%Y-%m-%d %H:%M:%S} UTC",
        "Took": record.ended_at
        and str(timedelta(seconds=round((record.ended_at - record.started_at).total_seconds()))),
        "Runtime": record.runtime,
        "Benchy": record.benchy_version,
        "Published": record.uploaded and record.uploaded.url,
    }
    yield from (f"   {name}: {plain_line(str(value))}" for name, value in facts.items() if value)
    if record.model_test is not None:
        yield model_test_block(record.model_label, record.model_test)
    if record.error is not None:
        yield f"❌ {plain_line(record.error.kind)}: {plain_line(record.error.message)}"
        if record.error.hint:
            yield f"   → {plain_line(record.error.hint)}"


def as_json(run: ListedRun) -> dict[str, object]:
    """Return what the list says of a run, and more, as data: its form is in docs/runs.md."""
    record = run.record
    parts = ranked_parts(record.evaluation) if record.evaluation else []
    scores = {part.name: headline(part) for part in parts}
    return {
        "run": record.run_name,
        "folder": str(run.folder),
        "status": run.state,
        "is_test": record.is_test,
        "model": record.model_label,
        "benchmarks": list(record.config.evaluation.tasks),
        "scores": {
            name: {"metric": metric.name, "filter": metric.filter, "value": metric.value, "stderr": metric.stderr}
            for name, metric in scores.items()
        },
        "started_at": record.started_at.isoformat(),
        "ended_at": record.ended_at.isoformat() if record.ended_at else None,
        "error": record.error and {"kind": record.error.kind, "message": record.error.message},
        "url": record.uploaded and record.uploaded.url,
    }
