"""What a person reads of a suite: its plan, its cells as they end, and the table of models and benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchy.display.tables import Row
from benchy.plain_text import plain_line
from benchy.results.conditions import headline, ranked_parts
from benchy.runs.listing import ListedRun
from benchy.runs.suite import EndedCell, PlannedCell


def plan_rows(planned: Iterable[PlannedCell]) -> list[Row]:
    """Return a row a cell."""
    return [
        {"": _mark(plan), "model": plan.cell.model, "benchmarks": plan.cell.benchmark, "what": _what(plan)}
        for plan in planned
    ]


def plan_line(planned: Sequence[PlannedCell]) -> str:
    """Return how many cells there are, and how many of them are to be run."""
    done, wrong = (sum(1 for plan in planned if getattr(plan, name)) for name in ("done", "error"))
    return f"{len(planned)} cells: {done} done, {wrong} wrong, {len(planned) - done - wrong} to run"


def ended_line(ended: EndedCell) -> str:
    """Return how a cell ended, in a line or two."""
    name = plain_line(f"{ended.cell.model} on {ended.cell.benchmark}")
    if ended.run is None:
        return f"❌ {name}: " + "\n".join(map(plain_line, ended.problem.splitlines()))
    took = f" in {ended.seconds:.0f} s" if ended.seconds else ", done before"
    return f"✅ {name}: {scores(ended.run)}{took}"


def suite_rows(ended: Sequence[EndedCell]) -> list[Row]:
    """Return a row a model, with a column for each benchmark config."""
    models = dict.fromkeys(each.cell.model for each in ended)
    benchmarks = dict.fromkeys(each.cell.benchmark for each in ended)
    found = {(each.cell.model, each.cell.benchmark): each for each in ended}
    return [{"model": model} | {name: _in_table(found.get((model, name))) for name in benchmarks} for model in models]


def scores(run: ListedRun) -> str:
    """Return the headline scores of a run, in the order of its benchmarks."""
    if run.record.evaluation is None:
        return ""
    values = (headline(part).value for part in ranked_parts(run.record.evaluation))
    return " ".join("-" if value is None else f"{value:.4f}" for value in values)


def _in_table(ended: EndedCell | None) -> str:
    if ended is None:
        return ""
    return scores(ended.run) if ended.run else "failed"


def _mark(plan: PlannedCell) -> str:
    return "✗" if plan.error else "✓" if plan.done else "▶"


def _what(plan: PlannedCell) -> str:
    if plan.error is not None:
        return f"{type(plan.error).__name__}: {plan.error.message.splitlines()[0]}"
    if plan.done is not None:
        return f"done: {plan.done.record.run_name}"
    missing = plan.facts.missing_bytes if plan.facts else 0
    return f"to run; {missing / 1024**3:.2f} GB to fetch" if missing else "to run"
