"""The clock watches real objects and leaves them as they were."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from benchy.worker.answers.timing import Clock


@dataclass
class _Request:
    task_name: str
    args: tuple[object, ...]


class _Task:
    def build_all_requests(self) -> str:
        return "built"

    def apply_filters(self) -> str:
        return "filtered"

    def process_results(self, doc: int) -> int:
        return doc + 1


def test_it_passes_arguments_and_answers_through() -> None:
    task, clock = _Task(), Clock(build_seconds=0.0)
    with clock.watching({"one": task}):
        assert (task.build_all_requests(), task.apply_filters(), task.process_results(1)) == ("built", "filtered", 2)
    assert vars(task) == {}


def test_each_request_counts_once_and_shares_by_length() -> None:
    clock = Clock(build_seconds=0.5)
    requests = [_Request("short", ("x",)), _Request("long", ("x" * 5,)), _Request("none", ())]
    with clock.watching({}), pytest.raises(ValueError, match="too"), clock.inference(requests, lambda: 0.0):
        raise ValueError("those of an answer that failed too")
    assert clock.requests == 3
    short, long, none = (clock.seconds(name).inference for name in ("short", "long", "none"))
    assert long == pytest.approx(3 * short)
    assert none == pytest.approx(short / 2)
    assert clock.total("inference") == pytest.approx(short + long + none)
    assert clock.total("task_build") == 0.5


def test_the_seconds_of_a_worker_that_is_gone_are_inference_and_not_this_ones() -> None:
    clock, before_and_after = Clock(build_seconds=0.0), iter([100.0, 150.0])
    with clock.watching({}), clock.inference([_Request("one", ("a", "b"))], lambda: next(before_and_after)):
        pass
    assert 50 <= clock.seconds("one").inference == clock.total("inference") < 100
    assert 0 <= clock.total("scoring") < 50


def test_what_is_neither_building_nor_inference_is_scoring() -> None:
    task, clock = _Task(), Clock(build_seconds=0.0)
    with clock.watching({"one": task}):
        task.build_all_requests()
        task.process_results(1)
    assert clock.total("scoring") >= clock.seconds("one").scoring > 0
    assert clock.seconds("one").task_build > 0
    assert clock.seconds("unknown").task_build == 0
