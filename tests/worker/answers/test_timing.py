"""The clock watches real objects and leaves them as they were."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from benchy.worker.answers.timing import Clock


@dataclass
class _Request:
    task_name: str
    args: tuple[object, ...]


class _Model:
    """Answers each kind of request; a rolling one is answered by another kind."""

    def loglikelihood(self, requests: list[_Request]) -> list[int]:
        return [len(str(request.args)) for request in requests]

    def loglikelihood_rolling(self, requests: list[_Request]) -> list[int]:
        return self.loglikelihood(requests)

    def generate_until(self, requests: list[_Request]) -> list[str]:
        raise ValueError(len(requests))


class _Task:
    def build_all_requests(self) -> str:
        return "built"

    def apply_filters(self) -> str:
        return "filtered"

    def process_results(self, doc: int) -> int:
        return doc + 1


def test_it_passes_arguments_and_answers_through() -> None:
    model, task, clock = _Model(), _Task(), Clock(build_seconds=0.0)
    with clock.watching(model, {"one": task}):
        assert model.loglikelihood([_Request("one", ("a", "b"))]) == [len("('a', 'b')")]
        assert (task.build_all_requests(), task.apply_filters(), task.process_results(1)) == ("built", "filtered", 2)
        with pytest.raises(ValueError, match="2"):
            model.generate_until([_Request("one", ("a", {})), _Request("one", ("b", {}))])
    assert vars(model) == vars(task) == {}


def test_each_request_counts_once_and_shares_by_length() -> None:
    model, clock = _Model(), Clock(build_seconds=0.5)
    with clock.watching(model, {}):
        model.loglikelihood_rolling([_Request("short", ("x",)), _Request("long", ("x" * 5,)), _Request("none", ())])
    assert clock.requests == 3
    short, long, none = (clock.seconds(name).inference for name in ("short", "long", "none"))
    assert long == pytest.approx(3 * short)
    assert none == pytest.approx(short / 2)
    assert clock.total("inference") == pytest.approx(short + long + none)
    assert clock.total("task_build") == 0.5


def test_the_seconds_of_a_worker_that_is_gone_are_inference_and_not_this_ones() -> None:
    model, clock, before_and_after = _Model(), Clock(build_seconds=0.0), iter([100.0, 150.0])
    with clock.watching(model, {}, lambda: next(before_and_after)):
        model.loglikelihood([_Request("one", ("a", "b"))])
    assert 50 <= clock.seconds("one").inference == clock.total("inference") < 100
    assert 0 <= clock.total("scoring") < 50


def test_what_is_neither_building_nor_inference_is_scoring() -> None:
    model, task, clock = _Model(), _Task(), Clock(build_seconds=0.0)
    with clock.watching(model, {"one": task}):
        task.build_all_requests()
        task.process_results(1)
    assert clock.total("scoring") >= clock.seconds("one").scoring > 0
    assert clock.seconds("one").task_build > 0
    assert clock.seconds("unknown").task_build == 0
