"""Each figure equals an independent one to 1e-9 (statsmodels, numpy), and errors are as rare as promised."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from benchy.results.paired_tests import (
    PairedMean,
    bootstrap_interval,
    holm,
    mcnemar,
    mcnemar_power,
    needed_documents,
    needed_for_mcnemar,
    paired_mean,
    smallest_difference,
)
from benchy.results.scores import Floats

EXACT = 1e-9
PAIRS = 2000
"""Simulated pairs of runs."""


def drawn(size: int, *, shift: float = 0.1, seed: int = 3) -> Floats:
    return np.random.default_rng(seed).normal(shift, 1, size)


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (1, 0), (7, 3), (3, 7), (5, 5), (60, 31), (1200, 1100)])
def test_mcnemar(won: int, lost: int) -> None:
    assert mcnemar(won, lost) == pytest.approx(
        statsmodels_mcnemar([[9, won], [lost, 4]], exact=True).pvalue, rel=EXACT, abs=EXACT
    )


@pytest.mark.parametrize("size", [2, 5, 400])
def test_paired_t(size: int) -> None:
    found, described = paired_mean(drawn(size)), DescrStatsW(drawn(size))
    statistic, p, degrees = described.ttest_mean(0)
    assert found.mean / found.stderr == pytest.approx(statistic, rel=EXACT, abs=EXACT)
    assert found.degrees == degrees
    assert found.p_value() == pytest.approx(p, rel=EXACT, abs=EXACT)
    assert found.interval() == pytest.approx(described.tconfint_mean(0.05), rel=EXACT, abs=EXACT)


@pytest.mark.parametrize("margin", [0.05, 0.2, 1.0])
def test_two_one_sided_tests(margin: float) -> None:
    described = DescrStatsW(drawn(300))
    expected, _, _ = described.ttost_mean(-margin, margin)
    assert paired_mean(drawn(300)).p_of_equivalence(margin) == pytest.approx(expected, rel=EXACT, abs=EXACT)


def test_clustered_errors() -> None:
    differences, clusters = drawn(300), np.array([f"c{i // 7}".encode() for i in range(300)], "S16")
    groups = np.unique(clusters, return_inverse=True)[1]
    fitted = sm.OLS(differences, np.ones(300)).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    found = paired_mean(differences, clusters)
    assert found.mean == pytest.approx(fitted.params[0], rel=EXACT, abs=EXACT)
    assert found.stderr == pytest.approx(fitted.bse[0], rel=EXACT, abs=EXACT)
    assert found.degrees == 42
    assert found.p_value() == pytest.approx(fitted.pvalues[0], rel=EXACT, abs=EXACT)
    alone = paired_mean(differences, np.array([f"{i}".encode() for i in range(300)], "S16"))
    assert alone.stderr == pytest.approx(paired_mean(differences).stderr, rel=EXACT, abs=EXACT)


def test_holm() -> None:
    p_values = [0.04, 0.001, 0.03, 0.5, 0.03]
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], rel=EXACT, abs=EXACT)
    assert holm([]) == []


def test_the_bootstrap_is_that_of_its_seed() -> None:
    differences = drawn(50)
    generator = np.random.default_rng(1234)
    means = np.concatenate([
        differences[generator.integers(0, 50, (100, 50))].mean(axis=1) for _ in range(10)
    ])  # fmt: skip
    assert bootstrap_interval(differences) == pytest.approx(
        tuple(np.percentile(means, [2.5, 97.5])), rel=EXACT, abs=EXACT
    )


def test_what_cannot_be_told() -> None:
    one = paired_mean(np.array([0.5]))
    assert (one.p_value(), one.p_of_equivalence(1)) == (1.0, 1.0)
    assert one.interval() == (-math.inf, math.inf)
    same = paired_mean(np.zeros(10))
    assert (same.p_value(), same.p_of_equivalence(0.01), same.interval()) == (1.0, 0.0, (0.0, 0.0))
    assert paired_mean(np.ones(10)).p_value() == 0.0
    assert paired_mean(np.ones(4), np.array([b"a"] * 4, "S16")).p_value() == 1.0


def test_power_of_the_mean() -> None:
    """Found at the promised rate, by simulation; the figures are those of the normal approximation."""
    needed = needed_documents(1.0, 0.2)
    assert needed is not None
    assert needed == math.ceil(((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / 0.2) ** 2)
    assert smallest_difference(1 / math.sqrt(needed)) == pytest.approx(0.2, rel=0.01)
    draws = np.random.default_rng(5).normal(0.2, 1, (PAIRS, needed))
    found = np.mean([paired_mean(row).p_value() < 0.05 for row in draws])
    assert found == pytest.approx(0.8, abs=0.03)
    assert needed_documents(1.0, 0.0) is None


@pytest.mark.parametrize(("discordance", "difference"), [(0.1, 0.05), (0.3, 0.05), (0.2, 0.02)])
def test_power_of_mcnemar(discordance: float, difference: float) -> None:
    needed = needed_for_mcnemar(discordance, difference)
    assert needed is not None
    assert mcnemar_power(needed, discordance=discordance, difference=difference) >= 0.8
    found = found_share(needed, discordance, difference)
    assert found == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(("documents", "discordance"), [(100, 0.2), (1319, 0.1), (50, 0.02)])
def test_false_alarms_of_mcnemar(documents: int, discordance: float) -> None:
    allowed = 0.05 + 3 * math.sqrt(0.05 * 0.95 / PAIRS)
    assert found_share(documents, discordance, 0.0) <= allowed
    assert mcnemar_power(documents, discordance=discordance, difference=0.0) <= 0.05


def found_share(documents: int, discordance: float, difference: float) -> float:
    """In how many of the simulated pairs of runs the test finds a difference."""
    generator = np.random.default_rng(11)
    discordant = generator.binomial(documents, discordance, PAIRS)
    won = generator.binomial(discordant, (1 + difference / discordance) / 2)
    p_of = cache(mcnemar)
    return float(np.mean([p_of(int(w), int(d - w)) < 0.05 for w, d in zip(won, discordant, strict=True)]))


def test_false_alarms_with_clusters() -> None:
    """Passages make documents dependent: the naive error finds differences that are none, the clustered does not."""
    generator = np.random.default_rng(7)
    clusters = np.array([f"{i // 10}".encode() for i in range(400)], "S16")
    naive, clustered = 0, 0
    for _ in range(500):
        differences = np.repeat(generator.normal(0, 1, 40), 10) + generator.normal(0, 1, 400)
        naive += paired_mean(differences).p_value() < 0.05
        clustered += paired_mean(differences, clusters).p_value() < 0.05
    assert naive > 100
    assert clustered / 500 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 500)


def test_equivalence_is_claimed_falsely_as_rarely_as_promised() -> None:
    draws = np.random.default_rng(9).normal(0.2, 1, (PAIRS, 200))
    claimed = np.mean([paired_mean(row).p_of_equivalence(0.2) < 0.05 for row in draws])
    assert claimed <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / PAIRS)
    assert PairedMean(0.0, 0.001, 100).p_of_equivalence(0.2) < 1e-9
