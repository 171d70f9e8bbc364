from __future__ import annotations

import csv
import io

import pytest

from benchy.leaderboard.ranking import rank
from benchy.leaderboard.rows import to_csv
from tests.records import make_record


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-x", "@SUM(1)"])
def test_no_cell_is_a_formula(name: str) -> None:
    text = to_csv(rank([make_record(name, {name: -0.5}, run_name=name)]))
    rows = list(csv.reader(io.StringIO(text)))
    texts = [cell for row in rows for cell in row if name in cell]
    assert f"'{name}" in texts
    assert f"score:{name}" in texts
    assert not [cell for cell in texts if cell.startswith(name)]
    assert "-0.5" in rows[1]
