"""The leaderboard as data: titles that stay short, and where a run stands."""

from __future__ import annotations

from benchy.leaderboard.ranking import rank
from tests.records import make_record


def test_a_title_names_the_benchmarks_and_of_many_the_first() -> None:
    (few,) = rank([make_record(scores=dict.fromkeys("abcd", 0.5))]).tables
    assert few.title == "a, b, c, d"
    (many,) = rank([make_record(scores=dict.fromkeys("abcdefg", 0.5))]).tables
    assert many.title == "a, b, c and 4 more"


def test_every_run_that_has_a_score_is_known_also_an_older_one() -> None:
    board = rank([make_record("org/a", {"arc": value}, run_name=str(value)) for value in (0.1, 0.2)])
    assert board.runs == {"0.1", "0.2"}


def test_the_rank_of_a_run_is_that_of_its_model_while_its_score_stands() -> None:
    records = [make_record(f"org/{name}", {"arc": value}, run_name=name) for name, value in (("a", 0.9), ("b", 0.5))]
    board = rank(records)
    assert (board.rank_of("a"), board.rank_of("b"), board.rank_of("nobody")) == (1, 2, None)
    newer = rank([*records, make_record("org/a", {"arc": 0.1}, run_name="newer")])
    assert (newer.rank_of("a"), newer.rank_of("newer")) == (None, 2)


def test_a_ranked_row_keeps_the_rest() -> None:
    (table,) = rank([make_record()]).tables
    row = table.rows[0].ranked(3, best=1, worst=7)
    assert (row.rank, row.best_rank, row.worst_rank, row.standing) == (3, 1, 7, "ranked")
    assert row.cells == table.rows[0].cells
