"""Tests of whether two models differ on the same documents, and how many documents such a test needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchy.results.scores import Floats, Hashes

ALPHA = 0.05
"""How often a test may find a difference where there is none."""
POWER = 0.8
"""How often a test is to find a difference that is there."""
NEGLIGIBLE = 1e-9
"""Probability mass that a sum over numbers of discordant pairs may leave out."""
MOST_DOCUMENTS = 10**9


@dataclass(frozen=True)
class PairedMean:
    """The mean of paired differences, with its uncertainty."""

    mean: float
    stderr: float
    degrees: int
    """Degrees of freedom: documents less one, or clusters less one."""

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return Student's confidence interval of the mean."""
        from scipy import stats

        reach = float(stats.t.ppf((1 + level) / 2, self.degrees)) * self.stderr if self.degrees > 0 else math.inf
        return self.mean - reach, self.mean + reach

    def p_value(self) -> float:
        """Return the two-sided p-value of "there is no difference"."""
        return min(1.0, 2 * self._tail(-abs(self.mean)))

    def p_of_equivalence(self, margin: float) -> float:
        """Return the p-value of "they differ by at least the margin": two one-sided tests (Schuirmann 1987)."""
        return max(self.p_above(margin), self.p_below(-margin))

    def p_above(self, bound: float) -> float:
        """Return the one-sided p-value of "the mean is at least the bound"."""
        return self._tail(self.mean - bound)

    def p_below(self, bound: float) -> float:
        """Return the one-sided p-value of "the mean is at most the bound"."""
        return self._tail(bound - self.mean)

    def _tail(self, distance: float) -> float:
        """Return the probability of a value below ``distance``."""
        from scipy import stats

        if self.degrees <= 0:
            return 1.0
        if self.stderr == 0:
            return 0.5 if distance == 0 else float(distance > 0)
        return float(stats.t.cdf(distance / self.stderr, self.degrees))


def paired_mean(differences: Floats, clusters: Hashes | None = None) -> PairedMean:
    """Return the mean of differences and its standard error.

    Args:
        differences: of shape (documents,), one for each document.
        clusters: what documents with dependent scores share, a passage, of the same shape. Then the error is the
            cluster-robust one of Miller (2024), Adding Error Bars to Evals, arXiv:2411.00640, with the factor
            G / (G - 1) for G clusters.
    """
    count, mean = len(differences), float(np.mean(differences)) if len(differences) else math.nan
    if clusters is None:
        stderr = float(np.std(differences, ddof=1)) / math.sqrt(count) if count > 1 else math.inf
        return PairedMean(mean, stderr, count - 1)
    sums, groups = _sums_by_cluster(differences - mean, clusters)
    stderr = math.sqrt(groups / (groups - 1) * float(np.sum(sums**2))) / count if groups > 1 else math.inf
    return PairedMean(mean, stderr, groups - 1)


def _sums_by_cluster(values: Floats, clusters: Hashes) -> tuple[Floats, int]:
    _, place = np.unique(clusters, return_inverse=True)
    sums = np.bincount(place, weights=values).astype(np.float64)
    return sums, len(sums)


def mcnemar(won: int, lost: int) -> float:
    """Return the exact two-sided p-value of McNemar's test (1947).

    Args:
        won: documents that only the second model has right.
        lost: documents that only the first has right.
    """
    from scipy import stats

    if won + lost == 0:
        return 1.0
    return float(stats.binomtest(min(won, lost), won + lost, 0.5).pvalue)


def bootstrap_interval(
    differences: Floats, *, level: float = 0.95, resamples: int = 1000, seed: int = 1234
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean (Efron 1979), the same for the same seed."""
    from scipy import stats

    found = stats.bootstrap(
        (differences,), np.mean, n_resamples=resamples, batch=100, confidence_level=level, method="percentile",
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that hold for all of them together (Holm 1979), in the same order."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def smallest_difference(stderr: float, *, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return the smallest difference that a test with this standard error finds with the given power."""
    return (_quantile(1 - alpha / 2) + _quantile(power)) * stderr


def needed_documents(variance: float, difference: float, *, alpha: float = ALPHA, power: float = POWER) -> int | None:
    """Return how many documents show a difference with the given power; None if no number of them would.

    Args:
        variance: of one document's paired difference.
        difference: of the means.
        alpha: how often a difference may be found where there is none.
        power: how often this one is to be found.
    """
    reach = _quantile(1 - alpha / 2) + _quantile(power)
    needed = variance * (reach / difference) ** 2 if difference else math.inf
    return math.ceil(needed) if needed < MOST_DOCUMENTS else None


def mcnemar_power(documents: int, *, discordance: float, difference: float, alpha: float = ALPHA) -> float:
    """Return the exact power of McNemar's exact test.

    The number of discordant documents is binomial, and so is, of these, the number that the better model has right.

    Args:
        documents: how many both models answer.
        discordance: the share of documents that one model has right and the other wrong.
        difference: of the two accuracies; at most the discordance.
        alpha: how often a difference may be found where there is none.
    """
    from scipy import stats

    low, high = stats.binom.ppf([NEGLIGIBLE / 2, 1 - NEGLIGIBLE / 2], documents, discordance).astype(int)
    discordant: NDArray[np.int64] = np.arange(low, high + 1)
    most = _largest_that_counts(discordant, alpha)
    share = (1 + abs(difference) / discordance) / 2
    found = stats.binom.cdf(most, discordant, share) + stats.binom.sf(discordant - most - 1, discordant, share)
    return float(np.sum(stats.binom.pmf(discordant, documents, discordance) * np.where(most < 0, 0.0, found)))


def _largest_that_counts(discordant: NDArray[np.int64], alpha: float) -> NDArray[np.int64]:
    """For each number of discordant pairs: the most of the rarer kind with which the test finds a difference."""
    from scipy import stats

    most: NDArray[np.int64] = np.asarray(stats.binom.ppf(alpha / 2, discordant, 0.5), dtype=np.int64)
    return most - np.asarray(stats.binom.cdf(most, discordant, 0.5) > alpha / 2, dtype=np.int64)


def needed_for_mcnemar(
    discordance: float, difference: float, *, alpha: float = ALPHA, power: float = POWER
) -> int | None:
    """Return how many documents McNemar's exact test needs; None if more than :data:`MOST_DOCUMENTS`.

    The search begins at the formula of Connor (1987), Sample Size for Testing Differences in Proportions for the
    Paired-Sample Design, Biometrics 43. Above a hundred thousand the formula itself is the answer.
    """
    start = needed_documents(discordance - difference**2, difference, alpha=alpha, power=power)
    if start is None or start > 100_000:
        return start
    low, high = 1, 2 * start + 100
    while low < high:  # the power of an exact test grows in saw teeth; this finds one number from which it holds
        middle = (low + high) // 2
        if mcnemar_power(middle, discordance=discordance, difference=difference, alpha=alpha) >= power:
            high = middle
        else:
            low = middle + 1
    return high


def _quantile(probability: float) -> float:
    from scipy import stats

    return float(stats.norm.ppf(probability))
