"""Comparison: what two runs of one benchmark differ by, and the verdict that follows from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from benchy.results.paired_tests import ALPHA, PairedMean, needed_documents, smallest_difference

Verdict = Literal["better", "worse", "same", "cannot tell"]
MARGIN = 0.01
"""Two scores from 0 to 1 are the same if they differ by less, where the caller names no other margin."""


@dataclass(frozen=True)
class Comparison:
    """The second run beside the first, on one benchmark or group."""

    name: str
    metric: str
    documents: int
    first: float
    """The first run's score on these documents."""
    second: float
    difference: PairedMean
    """Of the second less the first."""
    test: str
    """What the p-value comes from."""
    p_value: float
    """Of this benchmark alone."""
    p_adjusted: float
    """Of all benchmarks together (Holm)."""
    p_same: float | None
    """Of "they differ by at least the margin"; None without a margin."""
    more_is_better: bool
    won: tuple[int, ...]
    """Ids of the documents on which the second scored better."""
    lost: tuple[int, ...]
    clusters: int | None
    """How many passages the documents are about; None if each stands for itself."""
    bootstrap: tuple[float, float] | None
    """Interval of 95 % without an assumption on the form of the differences; None for right-or-wrong scores."""
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What is known of the second run, at 5 % for all benchmarks together."""
        if self.p_adjusted < ALPHA and self.difference.mean:
            return "better" if (self.difference.mean > 0) == self.more_is_better else "worse"
        return "same" if self.p_same is not None and self.p_same < ALPHA else "cannot tell"

    @property
    def smallest(self) -> float:
        """The smallest difference that so many documents show in 80 of 100 comparisons."""
        return smallest_difference(self.difference.stderr)

    @property
    def more_needed(self) -> int | None:
        """How many more documents would show a difference of this size; None if it is none, or no number would."""
        variance = self.documents * self.difference.stderr**2
        needed = needed_documents(variance, self.difference.mean) if math.isfinite(variance) else None
        return None if needed is None else max(0, needed - self.documents)


@dataclass(frozen=True)
class Compared:
    """All that is known of two runs beside each other."""

    first: str
    """The model's label."""
    second: str
    comparisons: tuple[Comparison, ...]
    """Of benchmarks."""
    groups: tuple[Comparison, ...]
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Why a benchmark is not compared."""


@dataclass(frozen=True)
class Loss:
    """How much the second run loses; negative where it gains."""

    mean: float
    stderr: float
    _gain: PairedMean

    def p_of_at_least(self, bound: float) -> float:
        """Return the p-value of "the loss is at least the bound"."""
        return max(self._gain.p_below(-bound), _p_of_few(self._gain, bound))

    def p_of_at_most(self, bound: float) -> float:
        """Return the p-value of "the loss is at most the bound"."""
        return self._gain.p_above(-bound)


def allowed_loss(one: Comparison) -> Loss:
    """Return what the second run loses on a benchmark, whichever way its score counts."""
    mean = one.difference.mean if one.more_is_better else -one.difference.mean
    gain = replace(one.difference, mean=mean)
    return Loss(-mean, gain.stderr, gain)


def _p_of_few(mean: PairedMean, margin: float) -> float:
    """Return the probability that none of the documents (or clusters) differs though a share of the margin's size does.

    Where few documents differ, or none, Student's error is too small, and a p-value must not be less than this.
    """
    return max(0.0, 1 - margin) ** (mean.degrees + 1)


def p_same(mean: PairedMean, margin: float) -> float:
    """Return the p-value of "they differ by at least the margin"."""
    return max(mean.p_of_equivalence(margin), _p_of_few(mean, margin))
