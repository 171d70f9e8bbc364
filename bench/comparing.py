"""What `benchy compare` takes for two runs of very many documents."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.commands import environment
from bench.figures import Figure, Goal, Spread
from bench.pipeline import Bench
from benchy.record import write_record
from benchy.results.score_tables import write_scores
from benchy.results.scores import HASH_BYTES, Scores

DOCUMENTS = (10_000, 100_000, 1_000_000)
MOST_SECONDS, MOST_BYTES = 10.0, 10**9
"""For the largest."""
LINEAR = 1.1


def comparing(bench: Bench) -> Iterator[Figure]:
    """Yield what the whole command takes; the second run has its documents in another order, the worst case."""
    used = []
    for size in DOCUMENTS:
        folders = [_write_run(bench.folder / f"compare-{size}", name, size) for name in ("base", "candidate")]
        command = [sys.executable, "-P", "-m", "benchy", "compare", *map(str, folders)]
        used.append(bench.run(command, environment(bench.folder), memory=True))
    *_, less, most = used
    note = f"n = {DOCUMENTS[-1]:,}; " + ", ".join(
        f"{one.wall_seconds:.1f} s for n = {size:,}" for size, one in zip(DOCUMENTS[:-1], used, strict=False)
    )
    yield Figure("compare two runs", "s", Spread.of([most.wall_seconds]), goal=Goal(MOST_SECONDS, "ours"), note=note)
    peak = Spread.of([most.peak_bytes / 1e6])
    yield Figure("  its memory", "MB", peak, goal=Goal(MOST_BYTES / 1e6, "ours"), note=f"n = {DOCUMENTS[-1]:,}")
    grown = math.log(most.wall_seconds / less.wall_seconds) / math.log(DOCUMENTS[-1] / DOCUMENTS[-2])
    yield Figure("  growth of the time", "exponent", Spread.of([grown]), goal=Goal(LINEAR, "ours"))


PARTS = (comparing,)


def _write_run(folder: Path, name: str, size: int) -> Path:
    from tests.records import benchmark, make_record, metric
    from tests.results.runs import write_run

    draws = np.random.default_rng(len(name))
    values = (draws.random(size) < 0.7).astype(float)
    order = np.arange(size) if name == "base" else draws.permutation(size)
    texts, targets = (
        np.frombuffer(np.random.default_rng(seed).bytes(HASH_BYTES * size), f"S{HASH_BYTES}") for seed in (1, 2)
    )
    scores = Scores(
        doc_ids=np.arange(size),
        documents=texts[order],
        targets=targets[order],
        prompts=texts[order],
        values={"acc,none": values},
        clusters=None,
        empty=np.zeros(size, bool),
        cut=None,
    )
    mean = float(values.mean())
    run = write_run(folder / name, {"own": [1.0, 0.0]}, value=mean)
    part = benchmark("own", metric(mean), scores_file="scores_own.parquet")
    write_record(make_record(f"org/{name}", benchmarks=(part,), run_name=name), run)
    write_scores(scores, run / "scores_own.parquet")
    return run
