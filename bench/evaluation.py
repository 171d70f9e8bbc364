"""Times what the evaluation adds to lm-eval: keeping each answer at once, and what two replicas gain.

Pairs of runs alternate (A B A B); the ratio is the median over the pairs. Keeping is measured in CPU seconds of one
thread; replicas in wall seconds, which mean something on a machine that does nothing else, and in the CPU seconds of
each process, whose sum shows what sharing costs. Weights are random, of 100 M parameters, made on the spot.

    OMP_NUM_THREADS=1 python bench/evaluation.py [--pairs N] [--only keeping|replicas]
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from bench.loglikelihood import Scenario, Words, model, short_choices, tiny_contexts, tokenizer
from benchy.config import BenchmarkConfig, parse_config
from benchy.record import ModelIdentity
from benchy.worker.answering import Answering
from benchy.worker.answers import AnswerStore
from benchy.worker.counting import RequestCounter
from benchy.worker.model import create_model
from benchy.worker.replicas import Replicas

BATCH_SIZE = 8
LARGE = argparse.Namespace(hidden=640, layers=12, dtype="float32", device="cpu")
KEEPING = (
    Scenario("2 choices, short context", "loglikelihood", 1.02, short_choices, 32),
    Scenario("1-token contexts", "loglikelihood", 1.02, tiny_contexts, 512),
)
SHARED = Scenario("2 choices, short context", "loglikelihood", 1.6, short_choices, 48)


def instances(scenario: Scenario) -> list[Instance]:
    """The requests of one benchmark, `bench`."""
    arguments = scenario.make(Words(), scenario.documents)
    return [Instance(scenario.kind, {}, each, index, ("bench", index, 1)) for index, each in enumerate(arguments)]


def answer_kept(lm: Any, requests: list[Instance], store: AnswerStore, replicas: Replicas | None = None) -> list[Any]:
    """As an evaluation asks."""
    counter = RequestCounter({"bench": SimpleNamespace(instances=requests)}, lambda _event: None)
    with Answering(lm, store, counter, replicas).standing_in():
        return list(lm.loglikelihood(requests, disable_tqdm=True))


def keeping(folder: Path, pairs: int) -> Iterator[str]:
    """The same requests without the store and with it."""
    lm = HFLM(pretrained=model(LARGE), tokenizer=tokenizer(), batch_size=BATCH_SIZE)
    yield f"Keeping answers: {sum(weights.numel() for weights in lm.model.parameters()):,} parameters, one CPU thread"
    for scenario in KEEPING:
        requests = instances(scenario)
        lm.loglikelihood(requests[:BATCH_SIZE], disable_tqdm=True)
        plain, kept, writing = [], [], []
        for number in range(pairs):
            started = time.process_time()
            expected = lm.loglikelihood(requests, disable_tqdm=True)
            plain.append(time.process_time() - started)
            with closing(_TimedStore(folder / f"{number} {scenario.name}.jsonl", {"model": "bench"})) as store:
                started = time.process_time()
                assert answer_kept(lm, requests, store) == expected
                kept.append(time.process_time() - started)
                writing.append(store.cpu_seconds)
        ratios = [ours / theirs for ours, theirs in zip(kept, plain, strict=True)]
        yield (
            f"  {scenario.name}, {len(requests)} requests: {statistics.median(plain):.2f} s without, "
            f"{_spread(ratios)} times as much with it (goal: 1.02); "
            f"writing alone took {100 * statistics.median(writing) / statistics.median(plain):.2f} %"
        )


class _TimedStore(AnswerStore):
    """Adds up how long it takes to keep answers."""

    cpu_seconds = 0.0

    def keep(self, *args: Any, **kwargs: Any) -> None:
        """As it does, on the clock."""
        started = time.process_time()
        super().keep(*args, **kwargs)
        self.cpu_seconds += time.process_time() - started


def replicas(folder: Path, pairs: int) -> Iterator[str]:
    """The same requests by one process and by two, one thread each."""
    config, identity = _saved(folder / "model")
    requests = instances(SHARED)
    lm, others = create_model(config, identity), Replicas(config, identity, count=2)
    with closing(others):
        with closing(AnswerStore(folder / "first.jsonl", {})) as store:
            expected = answer_kept(lm, requests, store, others)  # until all have loaded
        seconds: dict[Any, list[float]] = {None: [], others: []}
        processes = [os.getpid(), others._others[0]._process.pid or 0]
        used = {who: [0.0, 0.0] for who in seconds}
        for number in range(pairs):
            for who, found in seconds.items():
                with closing(AnswerStore(folder / f"{number} {who is None}.jsonl", {})) as store:
                    started, before = time.perf_counter(), [_cpu_seconds(one) for one in processes]
                    assert answer_kept(lm, requests, store, who) == expected
                    found.append(time.perf_counter() - started)
                    spent = [_cpu_seconds(one) - then for one, then in zip(processes, before, strict=True)]
                    used[who] = [total + one / pairs for total, one in zip(used[who], spent, strict=True)]
    ratios = [one / two for one, two in zip(seconds[None], seconds[others], strict=True)]
    yield f"Two replicas, {len(requests)} requests: {statistics.median(seconds[None]):.2f} s by one process"
    yield f"  {_spread(ratios)} times as fast (goal: 1.6), with the same answers"
    yield f"  CPU seconds: {used[None][0]:.2f} by one process, {used[others][0]:.2f} + {used[others][1]:.2f} by two"


def _cpu_seconds(pid: int) -> float:
    """User and system (man 5 proc, fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _saved(folder: Path) -> tuple[BenchmarkConfig, ModelIdentity]:
    model(LARGE).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    section = {"name": str(folder), "dtype": "float32"}
    evaluation = {"tasks": "bench", "device": "cpu", "batch_size": BATCH_SIZE}
    config = parse_config({"model": section, "evaluation": evaluation}, source="bench")
    return config, ModelIdentity(name=str(folder), source="folder")


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", choices=["keeping", "replicas"])
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    for part in (keeping, replicas):
        if options.only in {None, part.__name__}:
            with tempfile.TemporaryDirectory() as folder:
                for line in part(Path(folder), options.pairs):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
