"""The columns whose mean ranks are chosen so that no single record decides them for everybody."""

from __future__ import annotations

import pytest

from benchy.leaderboard.board import Table
from benchy.leaderboard.ranking import rank
from tests.records import benchmark, make_record, metric


def table(*rows: dict[str, float]) -> Table:
    """Return the one table of models with these scores."""
    records = [
        make_record(f"org/{n}", benchmarks=tuple(benchmark(k, metric(v)) for k, v in row.items()), run_name=str(n))
        for n, row in enumerate(rows)
    ]
    (only,) = rank(records).tables
    return only


def names(found: Table) -> list[str]:
    return [column.conditions.benchmark for column in found.columns if column.id in found.mean_of]


def ranks(found: Table) -> dict[str, int | None]:
    return {row.model: row.rank for row in found.rows}


HONEST = {"arc": 0.8, "boolq": 0.9}


def test_all_columns_that_every_model_fills() -> None:
    assert names(table(HONEST, HONEST | {"arc": 0.1})) == ["arc", "boolq"]


@pytest.mark.parametrize("value", [-0.0001, 1.0001, 1e15])
def test_a_score_that_no_proportion_can_be_ranks_nobody_and_moves_nobody(value: float) -> None:
    """It took the column out of everybody's mean."""
    found = table(HONEST, HONEST | {"arc": 0.7}, HONEST | {"boolq": value})
    assert names(found) == ["arc", "boolq"]
    assert ranks(found) == {"org/0": 1, "org/1": 2, "org/2": None}
    assert found.rows[0].mean.value == pytest.approx(0.85)
    assert found.rows[2].cells[1] is not None, "it is shown all the same"


def test_a_perplexity_stands_beside_the_mean() -> None:
    rows = [HONEST | {"wikitext": 7.0 + n} for n in range(2)]
    assert names(table(*rows)) == ["arc", "boolq"]


def test_where_most_are_beyond_one_the_scale_is_another() -> None:
    """One perplexity below 1 is no proportion."""
    assert names(table({"wikitext": 7.0}, {"wikitext": 9.0}, {"wikitext": 0.9})) == ["wikitext"]


def test_thousands_of_columns_are_ranked_in_linear_time() -> None:
    """Each column was held against each other one, while the board's lock was held."""
    found = table({f"b{n}": 0.5 for n in range(3000)}, {"b1": 0.4})
    assert len(found.columns) == 3000
