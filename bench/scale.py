"""What Benchy's own parts cost as the work grows: CPU time and memory for each request, or for each run."""

from __future__ import annotations

import itertools
import json
import math
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.commands import environment
from bench.figures import Figure, Goal, Spread
from bench.pipeline import Bench
from benchy.leaderboard.exports.parquet import make_leaderboard_table, make_tables
from benchy.leaderboard.page.rendering import render
from benchy.leaderboard.ranking import rank
from benchy.protocol import Progress, decode_answer, encode_event
from benchy.record import RunRecord, read_record, write_record
from benchy.worker.answers.keys import request_key
from benchy.worker.answers.store import MISSING, AnswerStore
from tests.records import read_publication

REQUESTS = (10, 1_000, 100_000)
EVALUATED = (10, 10_000, 100_000)
"""Requests of whole evaluations, which take a second for nothing."""
EVALUATED_PLAINLY = EVALUATED[:2]
"""By plain lm-eval, which takes minutes for more."""
BENCHMARKS = (10, 100, 1_000)
"""Of one record: lm-eval's largest groups have some hundreds."""
RUNS = (10, 100, 1_000)
"""On one leaderboard."""
BATCH = 16
LEAST_RUNS, MOST_RUNS = 3, 5
"""Of each size, also of the largest: its one run against the quickest of five of a smaller one would be a growth."""
SECONDS_ENOUGH = 1.0
LINEAR = 1.1
"""The most that a growth may be: 1 is linear, 2 quadratic; a little above it is the cache of the CPU."""
QUICKEST = "Of each size it is the quickest of several runs; the smaller sizes are in the note of the row above."

EVALUATE = """
import sys, time
from pathlib import Path
import bench.constant
from benchy.config import load_config
from benchy.protocol import Evaluation, Prepare
from benchy.worker.evaluation.evaluate import evaluation
from benchy.worker.prepare import prepare
from benchy.worker.session import Session
session = Session(emit=lambda event: None)
prepare(session, Prepare(config=load_config(Path(sys.argv[1]))))
started = time.process_time()
evaluation(session, Evaluation(run_folder=sys.argv[2]))
(Path(sys.argv[2]) / "seconds").write_text(str(time.process_time() - started))
"""
LM_EVAL = "import bench.constant; from lm_eval.__main__ import cli_evaluate; cli_evaluate()"


@dataclass(frozen=True)
class Cost:
    """Of one piece of work at one size."""

    size: int
    seconds: float
    peak_bytes: int


def parts(_bench: Bench) -> Iterator[Figure]:
    """Each part alone, in this process."""
    for what, unit, sizes, work in (
        ("answers kept", "request", REQUESTS, _keep),
        ("answers found again after a crash", "request", REQUESTS, _find),
        ("progress events", "event", REQUESTS, _talk),
        ("record of n benchmarks", "benchmark", BENCHMARKS, _record),
        ("run of n samples: its forms, into a folder", "sample", REQUESTS, _publish),
        ("leaderboard of n runs: ranking, page, tables", "run", RUNS, _leaderboard),
    ):
        yield from _growth(what, unit, [_cost(work, size) for size in sizes])


def whole_evaluations(bench: Bench) -> Iterator[Figure]:
    """Yield the worker's evaluating of a model that answers at once, against ``lm_eval run`` of it."""
    ours = [_evaluation(bench, size) for size in EVALUATED]
    plain = [_plain_evaluation(bench, size) for size in EVALUATED_PLAINLY]
    by_plain = _marginal(plain, _milliseconds)[-1]
    yield from _each_more("CPU time", "ms/request", _marginal(ours, _milliseconds), by_plain)
    yield from _each_more("memory", "KiB/request", _marginal(ours, lambda cost: cost.peak_bytes / 1024), None)


PARTS: tuple[Callable[[Bench], Iterator[Figure]], ...] = (parts, whole_evaluations)


def _each_more(what: str, unit: str, ours: list[float], plain: float | None) -> Iterator[Figure]:
    """Yield what each request more takes, and whether that grows."""
    *_, less, more = ours
    sizes = "n = {:,} to {:,}".format(*EVALUATED[-2:])
    yield Figure(
        f"evaluation by a model that answers at once: {what}",
        unit,
        Spread.of([more]),
        None if plain is None else Spread.of([plain]),
        None if plain is None else Spread.of([more / plain]),
        note=sizes if plain is None else sizes + "; lm_eval n = {:,} to {:,}".format(*EVALUATED_PLAINLY),
    )
    grown = Spread.of([1 + math.log(more / less) / math.log(EVALUATED[-1] / EVALUATED[-2])])
    yield Figure(f"  growth of the {what}", "exponent", grown, goal=Goal(LINEAR, "ours"), note=sizes)


def _marginal(costs: Sequence[Cost], used: Callable[[Cost], float]) -> list[float]:
    """For each request more, from size to size."""
    return [(used(high) - used(low)) / (high.size - low.size) for low, high in itertools.pairwise(costs)]


def _milliseconds(cost: Cost) -> float:
    return 1e3 * cost.seconds


def _evaluation(bench: Bench, size: int) -> Cost:
    """Return the seconds are those of the evaluation alone."""
    folder, config = _write_benchmark(bench.folder / f"scale-{size}", size)
    command = [sys.executable, "-c", EVALUATE, str(config), str(folder)]
    used = bench.run(command, environment(bench.folder), memory=True)
    return Cost(size, float((folder / "seconds").read_text()), used.peak_bytes)


def _plain_evaluation(bench: Bench, size: int) -> Cost:
    folder, _ = _write_benchmark(bench.folder / f"scale-plain-{size}", size)
    command = [
        *(sys.executable, "-c", LM_EVAL, "run", "--model", "constant", "--tasks", "scale"),
        *("--include_path", str(folder), "--output_path", str(folder / "lm_eval"), "--log_samples"),
    ]
    used = bench.run(command, environment(bench.folder), memory=True)
    return Cost(size, used.cpu_seconds, used.peak_bytes)


def _growth(what: str, unit: str, costs: list[Cost]) -> Iterator[Figure]:
    """Yield the cost of the largest, and the exponents of the growth to it (1: linear)."""
    *_, low, high = costs
    steps = math.log(high.size / low.size)
    each = Spread.of([1e6 * high.seconds / high.size])
    sizes = f"n = {low.size:,} to {high.size:,}"
    smaller = ", ".join(f"{1e6 * cost.seconds / cost.size:,.3g} for n = {cost.size:,}" for cost in costs[:-1])
    yield Figure(what, f"µs/{unit}", each, note=f"n = {high.size:,}; {smaller}")
    time_growth = Spread.of([math.log(high.seconds / low.seconds) / steps])
    yield Figure(
        "  growth of the time", "exponent", time_growth, goal=Goal(LINEAR, "ours"), note=sizes, if_missed=QUICKEST
    )
    memory_growth = Spread.of([math.log(high.peak_bytes / low.peak_bytes) / steps])
    yield Figure(
        "  growth of the memory",
        "exponent",
        memory_growth,
        goal=Goal(LINEAR, "ours"),
        note=f"{high.peak_bytes / high.size:,.0f} bytes/{unit} at the peak",
    )


def _cost(work: Callable[[int, Path], None], size: int) -> Cost:
    """Return the time of the quickest of several runs, and the peak of another, since watching allocations is slow."""
    seconds: list[float] = []
    while len(seconds) < LEAST_RUNS or (len(seconds) < MOST_RUNS and sum(seconds) < SECONDS_ENOUGH):
        with tempfile.TemporaryDirectory() as folder:
            started = time.process_time()
            work(size, Path(folder))
            seconds.append(time.process_time() - started)
    with tempfile.TemporaryDirectory() as folder:
        tracemalloc.start()
        work(size, Path(folder))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return Cost(size, min(seconds), peak)


def _keep(size: int, folder: Path) -> None:
    with closing(AnswerStore(folder / "answers.jsonl", {"model": "bench"})) as store:
        for start in range(0, size, BATCH):
            numbers = range(start, min(start + BATCH, size))
            store.keep([(_key(number), (-1.25, False)) for number in numbers])


def _find(size: int, folder: Path) -> None:
    _keep(size, folder)
    with closing(AnswerStore(folder / "answers.jsonl", {"model": "bench"})) as store:
        found = store.take([_key(number) for number in range(size)], seen=Counter())
        assert MISSING not in found


def _key(number: int) -> str:
    return request_key("loglikelihood", (f"Question: how much is {number}?\nAnswer:", " much"))


def _talk(size: int, _folder: Path) -> None:
    for number in range(size):
        decode_answer(encode_event(Progress(label="working", done=number, total=size, unit="it")))


def _record(size: int, folder: Path) -> None:
    record = _finished({f"benchmark_{number}": number / size for number in range(size)}, number=0)
    write_record(record, folder)
    assert read_record(folder) == record


def _publish(size: int, folder: Path) -> None:
    from tests.records import benchmark, make_record, make_run_folder, make_samples, metric, publish_in

    part = benchmark("arc_easy", metric(0.5), samples_file="samples_arc_easy.jsonl")
    run = make_run_folder(folder / "outputs", make_record(benchmarks=(part,)))
    line = f"{json.dumps(make_samples(part)[0])}\n"
    with (run / "samples_arc_easy.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(line for _ in range(size))
    publication = read_publication(run, run)
    make_tables(publication)
    publish_in(folder / "leaderboard", publication)


def _leaderboard(size: int, _folder: Path) -> None:
    records = [_finished({"arc_easy": 0.3 + 0.5 * number / size}, number=number) for number in range(size)]
    board = rank(records)
    assert all(render(board, records).values())
    assert make_leaderboard_table(board)


def _finished(scores: dict[str, float], *, number: int) -> RunRecord:
    from tests.records import make_record

    return make_record(f"org/model-{number}", scores, day=number % 28)


def _write_benchmark(folder: Path, size: int) -> tuple[Path, Path]:
    """Return a benchmark of so many documents with one request each, in a new folder, and the config for it."""
    folder.mkdir()
    documents = ({"text": f"Question: how much is {n}?\nAnswer:", "next": f" {n}"} for n in range(size))
    (folder / "documents.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in documents), encoding="utf-8")
    task: dict[str, Any] = {
        "task": "scale",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / "documents.jsonl")}},
        "output_type": "loglikelihood",
        "test_split": "test",
        "doc_to_text": "{{text}}",
        "doc_to_target": "{{next}}",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    (folder / "scale.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
    config = {
        "model": {"name": "constant", "backend": "constant"},
        "evaluation": {"tasks": "scale", "include_path": str(folder), "device": "cpu"},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder, path
