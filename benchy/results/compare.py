"""Compares two runs benchmark by benchmark, on the documents that both answered, and gives verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchy.results.comparison import MARGIN, Compared, Comparison, p_same
from benchy.results.paired_tests import (
    PairedMean,
    bootstrap_interval,
    holm,
    mcnemar,
    paired_mean,
)
from benchy.results.pairing import Pairs, pair, why_not_comparable, why_not_paired
from benchy.results.scored_run import Group, ScoredBenchmark, ScoredRun, headline_of
from benchy.results.scores import Floats

MOST_BOOTSTRAPPED = 20_000
"""Above so many documents the bootstrap would take seconds, and its interval is Student's."""
SAME_VALUE = 1e-6
"""By so much a mean may differ from the score that lm-eval made of the same documents."""


def compare(first: ScoredRun, second: ScoredRun, *, margin: float | None = None, force: bool = False) -> Compared:
    """Compare two runs.

    Args:
        first: what the second is held against.
        second: the run that verdicts are about.
        margin: what counts as no difference; :data:`MARGIN` for scores from 0 to 1 if not set.
        force: compare the documents that both have, also where something else was asked.

    Raises:
        ConfigError: the scores of a document's table cannot be read.
    """
    found: list[Comparison] = []
    left_out: dict[str, tuple[str, ...]] = {}
    for name in sorted({*first.benchmarks, *second.benchmarks}):
        if name not in first.benchmarks or name not in second.benchmarks:
            left_out[name] = (f"only {first.label if name in first.benchmarks else second.label} has it",)
            continue
        one = _compare_benchmark(name, first, second, None, margin=margin, force=force)
        if isinstance(one, Comparison):
            found.append(one)
        else:
            left_out[name] = one
    adjusted = holm([one.p_value for one in found])
    comparisons = [replace(one, p_adjusted=p) for one, p in zip(found, adjusted, strict=True)]
    groups = tuple(_compare_groups(first, second, margin=margin, force=force))
    return Compared(first.label, second.label, tuple(comparisons), groups, left_out)


def _compare_benchmark(
    name: str, first: ScoredRun, second: ScoredRun, metric: str | None, *, margin: float | None, force: bool
) -> Comparison | tuple[str, ...]:
    """Return the comparison, by the headline or another ``metric,filter``; or why there is none."""
    one, other = first.benchmarks[name], second.benchmarks[name]
    reasons = why_not_comparable(one, other)
    if reasons and not force:
        return tuple(reasons)
    key = metric or one.headline
    known = key.partition(",")[0]
    if known not in one.higher_is_better:
        return (f"lm-eval does not say whether more {known} is better",)
    pairs = pair(one.scores, other.scores, key)
    reasons += why_not_paired(pairs, first, second)
    if reasons and not force:
        return tuple(reasons)
    if not len(pairs.first):
        return (f"no document has a score of its own for {known}",)
    unit = _unit(one, key)
    if unit is None:
        return (f"{known} is no mean of documents' scores",)
    notes = [*(f"forced: {reason}" for reason in reasons), *_prompting_note(first, second)]
    return _comparison(name, pairs, unit, margin, tuple(notes))


def _prompting_note(first: ScoredRun, second: ScoredRun) -> Iterator[str]:
    if first.prompted != second.prompted:
        yield "each in its own chat template"


@dataclass(frozen=True)
class _Unit:
    """What a document's number is."""

    metric: str
    more_is_better: bool


def _unit(part: ScoredBenchmark, key: str) -> _Unit | None:
    """lm-eval's mean of the documents' scores; for a perplexity, which is exp(-mean), their log-likelihood."""
    metric, value = key.partition(",")[0], part.values[key]
    mean = float(np.nanmean(part.scores.values[key]))
    if math.isclose(mean, value, rel_tol=SAME_VALUE, abs_tol=SAME_VALUE):
        return _Unit(metric, part.higher_is_better[metric])
    if "perplexity" in metric and math.isclose(math.exp(min(-mean, 700)), value, rel_tol=SAME_VALUE):
        return _Unit("log-likelihood", more_is_better=True)
    return None


def _comparison(name: str, pairs: Pairs, unit: _Unit, margin: float | None, notes: tuple[str, ...]) -> Comparison:
    differences = pairs.second - pairs.first
    mean = paired_mean(differences, pairs.clusters)
    ahead = differences if unit.more_is_better else -differences
    won, lost = pairs.doc_ids[ahead > 0], pairs.doc_ids[ahead < 0]
    is_binary = bool(np.isin(pairs.first, (0, 1)).all() and np.isin(pairs.second, (0, 1)).all())
    exact = is_binary and pairs.clusters is None
    p_value = mcnemar(len(won), len(lost)) if exact else mean.p_value()
    test = "McNemar, exact" if exact else "paired t" if pairs.clusters is None else "paired t, clustered"
    used = margin if margin is not None else MARGIN if _is_bounded(pairs) else None
    may_bootstrap = not is_binary and pairs.clusters is None and 2 <= len(differences) <= MOST_BOOTSTRAPPED
    return Comparison(
        name=name,
        metric=unit.metric,
        documents=len(differences),
        first=float(np.mean(pairs.first)),
        second=float(np.mean(pairs.second)),
        difference=mean,
        test=test,
        p_value=p_value,
        p_adjusted=p_value,
        p_same=None if used is None else p_same(mean, used),
        more_is_better=unit.more_is_better,
        won=tuple(won.tolist()),
        lost=tuple(lost.tolist()),
        clusters=None if pairs.clusters is None else mean.degrees + 1,
        bootstrap=bootstrap_interval(differences) if may_bootstrap else None,
        notes=notes,
    )


def _is_bounded(pairs: Pairs) -> bool:
    return bool(min(pairs.first.min(), pairs.second.min()) >= 0 and max(pairs.first.max(), pairs.second.max()) <= 1)


def _compare_groups(first: ScoredRun, second: ScoredRun, *, margin: float | None, force: bool) -> Iterator[Comparison]:
    """Of each group that both have, whose benchmarks can all be compared by the group's own metric."""
    known = {group.name for group in second.groups}
    for group in first.groups:
        key = headline_of(group.values)
        if group.name not in known or not {*group.members} <= first.benchmarks.keys() & second.benchmarks.keys():
            continue
        found = [
            _compare_benchmark(name, first, second, key, margin=margin, force=force)
            for name in group.members
            if key in first.benchmarks[name].values
        ]
        members = [one for one in found if isinstance(one, Comparison)]
        if len(members) == len(group.members) and (one := _compare_group(group, key, members, margin)) is not None:
            yield one


def _compare_group(group: Group, key: str, members: Sequence[Comparison], margin: float | None) -> Comparison | None:
    """Its members' differences under lm-eval's own weights: by documents, or each alike; None if they are others."""
    metric = key.partition(",")[0]
    if any(one.metric != metric or one.more_is_better != members[0].more_is_better for one in members):
        return None
    weights = _weights(group.values[key], members)
    if weights is None:
        return None
    errors = np.array([one.difference.stderr for one in members])
    variances = (weights * errors) ** 2
    degrees = np.array([one.difference.degrees for one in members])
    total = float(variances.sum())
    # Satterthwaite (1946): the degrees of freedom of a sum of independent means
    freedom = total**2 / float(np.sum(variances**2 / degrees)) if total and degrees.min() > 0 else float(degrees.sum())
    mean = PairedMean(
        float(weights @ np.array([one.difference.mean for one in members])), math.sqrt(total), max(1, int(freedom))
    )
    used = margin if margin is not None else MARGIN if all(one.p_same is not None for one in members) else None
    return Comparison(
        name=group.name,
        metric=metric,
        documents=sum(one.documents for one in members),
        first=float(weights @ np.array([one.first for one in members])),
        second=float(weights @ np.array([one.second for one in members])),
        difference=mean,
        test="t of the group's benchmarks",
        p_value=mean.p_value(),
        p_adjusted=mean.p_value(),
        p_same=None if used is None else p_same(mean, used),
        more_is_better=members[0].more_is_better,
        won=(),
        lost=(),
        clusters=None,
        bootstrap=None,
    )


def _weights(score: float, members: Sequence[Comparison]) -> Floats | None:
    """Those with which the members' scores give the group's."""
    sizes = np.array([one.documents for one in members], dtype=np.float64)
    scores = np.array([one.first for one in members])
    choices = (sizes / sizes.sum(), np.full(len(members), 1 / len(members)))
    return next((one for one in choices if math.isclose(float(one @ scores), score, rel_tol=SAME_VALUE)), None)
