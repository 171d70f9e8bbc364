"""What was fetched in two parts is told as one."""

from __future__ import annotations

from benchy.record import Fetched


def test_the_seconds_of_both_parts_count_and_the_later_part_tells_the_rest() -> None:
    later = Fetched(commit="b", data_sets={"data": "c"}, seconds=2.0)
    assert later.after(Fetched(commit="a", seconds=0.5)) == Fetched(commit="b", data_sets={"data": "c"}, seconds=2.5)
    assert later.after(None) == later
