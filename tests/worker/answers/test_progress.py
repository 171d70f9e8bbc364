"""Counting answered requests by benchmark, on lm-eval's own request objects."""

from __future__ import annotations

from types import SimpleNamespace

from lm_eval.api.instance import Instance

from benchy.protocol import Progress
from benchy.worker.answers.progress import Count, RequestCounter


def requests(benchmark: str, *texts: str, repeats: int = 1) -> list[Instance]:
    meta = (benchmark, 0, repeats)
    return [Instance("loglikelihood", {}, (text, " yes"), index, metadata=meta) for index, text in enumerate(texts)]


def last(events: list[Progress]) -> dict[str, tuple[float, float | None]]:
    """How far all are, and each."""
    return {one.label: (one.done, one.total) for one in (events[-1], *events[-1].parts)}


def test_each_benchmark_is_counted_also_where_two_ask_the_same() -> None:
    events: list[Progress] = []
    one, two = requests("one", "a", "b"), requests("two", "b", repeats=2)
    counter = RequestCounter(
        {"one": SimpleNamespace(instances=one), "two": SimpleNamespace(instances=two)}, events.append
    )
    counter.ask([*one, *two, *two], ["a", "b", "b", "b"], [False, False, False, True])
    assert last(events) == {"evaluation": (1, 4), "one": (0, 2), "two": (1, 2)}
    counter.answered(["b", "window", "b"])
    counter.tell()
    assert last(events) == {"evaluation": (3, 4), "one": (1, 2), "two": (2, 2)}
    counter.answered(["a", "a"])
    counter.tell()
    assert last(events) == {"evaluation": (4, 4), "one": (2, 2), "two": (2, 2)}
    assert [part.seconds_left for part in events[-1].parts] == [0, 0]


def test_long_texts_count_as_their_windows_are_scored() -> None:
    events: list[Progress] = []
    texts = [Instance("loglikelihood_rolling", {}, ("x" * size,), 0, ("one", 0, 1)) for size in (100, 50)]
    counter = RequestCounter({"one": SimpleNamespace(instances=texts)}, events.append)
    counter.ask(texts, ["long", "short"], [False, False])
    done = []
    for characters in (60, 40, 30, 20):
        counter.answered_windows(characters)
        counter.tell()
        done.append(events[-1].done)
    assert done == [0, 1, 1, 2]
    counter.answered(["long", "short"])  # lm-eval's sums
    counter.tell()
    assert events[-1].done == 2


def test_events_are_not_sent_for_each_answer() -> None:
    events: list[Progress] = []
    many = requests("one", *map(str, range(5000)))
    counter = RequestCounter({"one": SimpleNamespace(instances=many)}, events.append)
    keys = [str(index) for index in range(5000)]
    counter.ask(many, keys, [False] * 5000)
    for key in keys:
        counter.answered([key])
    counter.tell()
    assert last(events)["one"] == (5000, 5000)
    assert len(events) < 100


def test_the_time_that_is_left_goes_by_the_length_and_by_what_was_answered_now() -> None:
    count = Count(requests=4, characters=100, started=10.0)
    count.answer(50, now=10.0, found=True)
    assert (count.progress("x", 12.0).rate, count.progress("x", 12.0).seconds_left) == (None, None)
    count.answer(30, now=13.0, found=False)
    progress = count.progress("x", 16.0)
    assert (progress.done, progress.rate) == (2, 1 / 6)
    assert progress.seconds_left == 6 * 20 / 30
    count.answer(10, now=17.0, found=False)
    count.answer(10, now=18.0, found=False)
    assert count.progress("x", 99.0).rate == 3 / 8, "the rate stays when all is done"


def test_many_benchmarks_have_fewer_events() -> None:
    events: list[Progress] = []
    tasks = {str(number): SimpleNamespace(instances=requests(str(number), "a")) for number in range(1000)}
    counter = RequestCounter(tasks, events.append)
    counter.ask([task.instances[0] for task in tasks.values()], list(tasks), [False] * 1000)
    counter._told -= 2  # two seconds later
    counter.answered(["0"])
    assert len(events) == 1
    counter._told -= 4
    counter.answered(["1"])
    assert (len(events), events[-1].done) == (2, 2)
