from __future__ import annotations

import pytest

from benchy.leaderboard.page.plot import MODELS_SHOWN, Panel, draw
from benchy.leaderboard.ranking import rank
from benchy.record import RunRecord
from tests.records import benchmark, make_record, metric


def panels(*records: RunRecord) -> dict[str, Panel]:
    (table,) = rank(records).tables
    return {panel.title: panel for panel in draw(table)}


def scored(model: str, value: float, stderr: float | None = 0.01) -> RunRecord:
    return make_record(model, benchmarks=(benchmark("arc", metric(value, stderr=stderr)),))


def test_a_mark_lies_where_its_score_is_on_the_scale() -> None:
    panel = panels(scored("org/a", 0.2, 0.0), scored("org/b", 0.6, 0.0), scored("org/c", 0.4, 0.05))["arc"]
    assert [tick.label for tick in panel.ticks] == ["0.2", "0.3", "0.4", "0.5", "0.6"]
    assert {mark.row.model: mark.x for mark in panel.marks} == {"org/b": 100.0, "org/c": 50.0, "org/a": 0.0}
    (middle,) = [mark for mark in panel.marks if mark.row.model == "org/c"]
    assert (middle.low, middle.high) == pytest.approx((25.5, 74.5))


def test_the_best_is_marked_also_where_lower_is_better() -> None:
    def perplexity(model: str, value: float) -> RunRecord:
        return make_record(model, benchmarks=(benchmark("wiki", metric(value, stderr=None, higher_is_better=False)),))

    panel = panels(perplexity("org/a", 20.0), perplexity("org/b", 12.0))["wiki"]
    assert [mark.row.model for mark in panel.marks if mark.best] == ["org/b"]


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, 12345.0])
def test_one_score_alone_is_on_the_panel(value: float) -> None:
    (mark,) = panels(scored("org/a", value, None))["arc"].marks
    assert 0 <= mark.x <= 100


def test_proportions_are_never_beyond_their_scale() -> None:
    panel = panels(scored("org/a", 0.999, 0.05), scored("org/b", 0.001, 0.05))["arc"]
    assert (panel.ticks[0].label, panel.ticks[-1].label) == ("0", "1")
    assert all(0 <= mark.low <= mark.high <= 100 for mark in panel.marks)


def test_several_benchmarks_have_a_panel_of_their_mean_first() -> None:
    assert list(panels(make_record(scores={"x": 0.1, "y": 0.2}))) == ["Mean", "x", "y"]
    assert list(panels(make_record(scores={"x": 0.1}))) == ["x"]


def test_a_long_leaderboard_draws_its_best() -> None:
    panel = panels(*(scored(f"org/{index}", index / 100) for index in range(MODELS_SHOWN + 5)))["arc"]
    assert len(panel.marks) == MODELS_SHOWN
    assert panel.marks[0].row.model == f"org/{MODELS_SHOWN + 4}"
