from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet

from benchy.leaderboard.board import Board
from benchy.leaderboard.exports.parquet import make_leaderboard_table
from benchy.leaderboard.page.rendering import render, to_html
from benchy.leaderboard.ranking import rank
from benchy.leaderboard.rows import CSV_COLUMNS, to_csv
from tests.records import benchmark, make_record, metric

EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'


def test_the_same_records_give_the_same_bytes() -> None:
    records = [make_record(f"org/{index}", {"arc": 0.1 * index}) for index in range(5)]
    assert render(rank(records), records) == render(rank(records[::-1]), records[::-1])


def test_the_json_is_the_board() -> None:
    records = [make_record()]
    text = render(rank(records), records)["leaderboard.json"]
    assert Board.model_validate_json(text) == rank(records)
    assert json.loads(text)["schema_version"] == 2


def test_the_csv_has_a_row_a_model_and_two_columns_a_benchmark() -> None:
    records = [make_record("org/a", {"x": 0.25, "y": 0.5}), make_record("org/b", {"z": 0.125})]
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(to_csv(rank(records))))}
    of_a = {"score:x": "0.25", "stderr:x": "0.01", "score:y": "0.5", "score:z": "", "rank": "1"}
    assert rows["org/a"] | of_a == rows["org/a"]
    of_b = {"score:x": "", "score:z": "0.125", "mean": "0.125", "dtype": "float16"}
    assert rows["org/b"] | of_b == rows["org/b"]


def test_no_benchmark_takes_the_place_of_a_column() -> None:
    """Those of one's own named so overwrote columns of the CSV, and broke the Hub's table of them."""
    names = ("mean", "model", "rank", "suite", "x", "x_stderr", "score:x")
    board = rank([make_record("org/a", dict.fromkeys(names, 0.25))])
    (row,) = csv.DictReader(io.StringIO(to_csv(board)))
    assert (row["model"], row["rank"], row["mean"]) == ("org/a", "1", "0.25")
    assert {row[f"score:{name}"] for name in names} == {"0.25"}
    table = pyarrow.parquet.read_table(io.BytesIO(make_leaderboard_table(board)))
    assert len(set(table.column_names)) == len(table.column_names) == len(CSV_COLUMNS) + 2 * len(names)


def test_names_are_shown_and_never_run() -> None:
    evil = benchmark(EVIL, metric(0.5, name=EVIL, filter=EVIL), version=EVIL)
    record = make_record(EVIL, benchmarks=(evil,), run_name="run", evaluation={"system_instruction": EVIL})
    html = to_html(rank([record], unreadable=[EVIL]), [record])
    assert html.count("<script>") == 1
    assert "<img" not in html


def test_an_empty_leaderboard_says_so() -> None:
    assert "No runs yet" in to_html(rank([]), [])


def test_the_page_names_what_it_does_not_show() -> None:
    assert "<code>records/notes.txt</code>" in to_html(rank([], unreadable=["notes.txt"]), [])


def test_a_run_without_optional_facts_is_shown() -> None:
    bare = make_record(benchmarks=(benchmark("arc", metric(None, stderr=None), num_fewshot=None),))
    bare = bare.model_copy(update={"model": None, "environment": None, "model_test": None, "ended_at": None})
    assert "org/alpha" in to_html(rank([bare]), [bare])
