from __future__ import annotations

import random

import pytest

from benchy.results.significance import Field, Scored, leads_beyond_chance


def make_scored(seed: int) -> list[Scored]:
    """Equal means, equal errors and none at all are among them, and differences that just count."""
    draw = random.Random(seed)  # noqa: S311
    errors = [0.0, 0.01, *(draw.uniform(0, 0.1) for _ in range(seed))]
    scored = [(draw.choice((0.5, draw.random())), draw.choice(errors)) for _ in range(60)]
    return [*scored, *((value + 1.96 * error, 0.0) for value, error in scored), *scored[:5]]


@pytest.mark.parametrize("seed", range(5))
def test_it_counts_as_if_all_pairs_were_compared(seed: int) -> None:
    scored = make_scored(seed)
    field = Field(scored)
    for own in scored:
        assert field.better(own) == sum(value > own[0] for value, _ in scored)
        assert field.leading(own) == sum(leads_beyond_chance(other, own) for other in scored)


def test_nobody_leads_an_empty_field() -> None:
    assert Field([]).leading((0.5, 0.0)) == Field([]).better((0.5, 0.0)) == 0
