"""A suite's plan, its cells as they end, and its table are read at a glance."""

from __future__ import annotations

from pathlib import Path

from benchy.config.suite import Cell
from benchy.display.suite import ended_line, plan_line, plan_rows, suite_rows
from benchy.errors import ModelNotFound
from benchy.record import Facts
from benchy.runs.listing import ListedRun
from benchy.runs.suite import EndedCell, PlannedCell
from tests.records import make_record

RUN = ListedRun(Path("outputs/run"), make_record(scores={"arc": 0.5, "boolq": 0.25}, run_name="run"), is_open=False)


def cell(model: str, benchmark: str) -> Cell:
    return Cell(model, benchmark, RUN.record.config)


def test_the_plan_says_of_each_cell_what_will_be() -> None:
    planned = [
        PlannedCell(cell("a", "x"), Facts(), done=RUN),
        PlannedCell(cell("a", "y"), Facts(missing_bytes=3 * 1024**3)),
        PlannedCell(cell("b", "x"), error=ModelNotFound("no model b\nat all")),
    ]
    assert [row["what"] for row in plan_rows(planned)] == [
        "done: run",
        "to run; 3.00 GB to fetch",
        "ModelNotFound: no model b",
    ]
    assert plan_line(planned) == "3 cells: 1 done, 1 wrong, 1 to run"


def test_a_cell_tells_its_scores_or_its_problem() -> None:
    assert ended_line(EndedCell(cell("a", "x"), RUN, seconds=12.4)) == "✅ a on x: 0.5000 0.2500 in 12 s"
    assert ended_line(EndedCell(cell("a", "x"), RUN)) == "✅ a on x: 0.5000 0.2500, done before"
    failed = EndedCell(cell("a", "x"), None, "ConfigError: bad \x1b[2J\n  → mend it")
    assert ended_line(failed).splitlines()[1] == "  → mend it"
    assert "\x1b" not in ended_line(failed)


def test_the_table_has_a_row_a_model_and_a_column_a_benchmark() -> None:
    ended = [EndedCell(cell("a", "x"), RUN), EndedCell(cell("a", "y"), None, "no"), EndedCell(cell("b", "x"), RUN)]
    assert suite_rows(ended) == [
        {"model": "a", "x": "0.5000 0.2500", "y": "failed"},
        {"model": "b", "x": "0.5000 0.2500", "y": ""},
    ]
