"""Decides whether a candidate may take the place of a base model, by a policy of allowed losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from benchy.frozen import FrozenModel
from benchy.results.comparison import Compared, Comparison, allowed_loss
from benchy.results.paired_tests import ALPHA, POWER, holm, needed_documents
from benchy.results.scored_run import ScoredRun

Decision = Literal["GO", "NO-GO", "INCONCLUSIVE"]
EXIT_CODES: dict[Decision, int] = {"GO": 0, "NO-GO": 20, "INCONCLUSIVE": 21}


class Allowed(FrozenModel):
    """What one benchmark may lose."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    max_drop: Annotated[float, Field(gt=0)]
    """The largest loss that is allowed, in the score's own unit (0.01 is one point of an accuracy)."""
    max_truncated: Annotated[int, Field(ge=0)] = 0
    """In how many documents an answer of the candidate may be cut at the limit of generated tokens."""


class Policy(FrozenModel):
    """What a candidate must not lose, by benchmark or group; each that is named has to be there."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    benchmarks: Annotated[dict[str, Allowed], Field(min_length=1)]
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = ALPHA
    """How often a candidate that loses more than is allowed may pass, and one that loses less may be refused."""
    power: Annotated[float, Field(gt=0.5, lt=1)] = POWER
    """How often a candidate that loses nothing is to pass: of this, "so many more questions" is told."""


@dataclass(frozen=True)
class Judged:
    """The decision on one benchmark."""

    name: str
    decision: Decision
    reason: str


@dataclass(frozen=True)
class Gate:
    """The decision on a candidate."""

    base: str
    candidate: str
    benchmarks: tuple[Judged, ...]

    @property
    def decision(self) -> Decision:
        """NO-GO if any benchmark says so, GO if all do."""
        found = {judged.decision for judged in self.benchmarks}
        return "NO-GO" if "NO-GO" in found else "GO" if found == {"GO"} else "INCONCLUSIVE"


def judge(compared: Compared, base: ScoredRun, candidate: ScoredRun, policy: Policy) -> Gate:
    """Decide by one-sided tests on the paired differences.

    GO where a loss of ``max_drop`` or more is refuted on every benchmark: an intersection-union test, which holds at
    alpha as it is (Berger 1982). NO-GO where a loss of ``max_drop`` or less is refuted, by Holm over the benchmarks.
    """
    found = {one.name: one for one in (*compared.groups, *compared.comparisons)}
    lost = {name: _p_of_more_loss(found[name], allowed) for name, allowed in policy.benchmarks.items() if name in found}
    refused = {name for name, p in zip(lost, holm(list(lost.values())), strict=True) if p < policy.alpha}
    judged = (
        _judged(name, allowed, found.get(name), compared, policy, too_much=name in refused, candidate=candidate)
        for name, allowed in policy.benchmarks.items()
    )
    is_test = base.is_test or candidate.is_test
    return Gate(compared.first, compared.second, tuple(_unless_test(one) if is_test else one for one in judged))


def _judged(
    name: str,
    allowed: Allowed,
    one: Comparison | None,
    compared: Compared,
    policy: Policy,
    *,
    too_much: bool,
    candidate: ScoredRun,
) -> Judged:
    if one is None:
        return Judged(name, "INCONCLUSIVE", _why_missing(name, compared.left_out, candidate))
    loss = allowed_loss(one)
    what = "loses" if loss.mean > 0 else "gains"
    told = f"{what} {abs(loss.mean):.4f} ± {loss.stderr:.4f}; a loss of {allowed.max_drop:g} is allowed"
    if too_much:
        return Judged(name, "NO-GO", told)
    cut = candidate.cut_in(name)
    if cut is not None and cut > allowed.max_truncated:
        return Judged(name, "INCONCLUSIVE", f"{cut:,} answers were cut, {allowed.max_truncated:,} are allowed")
    if loss.p_of_at_least(allowed.max_drop) < policy.alpha:
        return Judged(name, "GO", told)
    variance = one.documents * loss.stderr**2
    needed = needed_documents(variance, allowed.max_drop, alpha=2 * policy.alpha, power=policy.power)
    more = f"; some {needed:,} questions would tell, {one.documents:,} are there" if needed else ""
    return Judged(name, "INCONCLUSIVE", told + (more if needed and needed > one.documents else ""))


def _why_missing(name: str, left_out: Mapping[str, tuple[str, ...]], candidate: ScoredRun) -> str:
    """Why there is no comparison of a benchmark, or of a group for the sake of one below it."""
    found = next((member for member in candidate.members_of(name) if member in left_out), None)
    if found is None:
        return "it is not in both runs, or lm-eval's weights for it are not known"
    reasons = "; ".join(left_out[found])
    return reasons if found == name else f"{found}: {reasons}"


def _p_of_more_loss(one: Comparison, allowed: Allowed) -> float:
    """Return the p-value of "it loses no more than is allowed"."""
    return allowed_loss(one).p_of_at_most(allowed.max_drop)


def _unless_test(judged: Judged) -> Judged:
    """Say why a run with a limit proves neither: it saw a part of the questions, by no chance."""
    return Judged(judged.name, "INCONCLUSIVE", f"a test run (evaluation.limit): {judged.reason}")
