"""Which means differ beyond chance."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

Z_95 = 1.96
"""Two means differ beyond chance if they differ by more than so many combined standard errors.

Miller (2024), Adding Error Bars to Evals, arXiv:2411.00640. The runs share their questions, which this leaves out:
it calls too much a tie rather than too little.
"""
ROUNDING = 1e-12

Scored = tuple[float, float]
"""A mean, signed so that more is better, and its standard error."""


class Field:
    """Many means, sorted: only pairs whose difference is near the least that counts have to be compared."""

    def __init__(self, scored: Sequence[Scored]) -> None:
        self._scored = sorted(scored)
        errors = [error for _, error in scored]
        self._least = min(errors, default=0.0) * (1 - ROUNDING)
        self._greatest = max(errors, default=0.0) * (1 + ROUNDING)

    def better(self, own: Scored) -> int:
        """How many are better, by chance or not."""
        return len(self._scored) - self._first_ahead(own, by=0.0)

    def leading(self, own: Scored) -> int:
        """How many are better beyond chance."""
        may_lead = self._first_ahead(own, by=_least_lead(self._least, own[1]))
        must_lead = self._first_ahead(own, by=_least_lead(self._greatest, own[1]))
        close = self._scored[may_lead:must_lead]
        return len(self._scored) - must_lead + sum(leads_beyond_chance(other, own) for other in close)

    def _first_ahead(self, own: Scored, *, by: float) -> int:
        return bisect_left(self._scored, True, key=lambda other: other[0] - own[0] > by)


def leads_beyond_chance(one: Scored, other: Scored) -> bool:
    """Whether the first is better, and not by chance (95 %)."""
    return one[0] - other[0] > _least_lead(one[1], other[1])


def _least_lead(one: float, other: float) -> float:
    return Z_95 * math.hypot(one, other)
