"""What the evaluation adds to lm-eval: keeping each answer at once, and what a second replica gains.

Keeping is measured in CPU seconds of one thread; replicas in wall seconds, which mean something on a machine that does
nothing else.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bench.figures import Figure, paired
from bench.log_likelihoods import BATCH_SIZE, Scenario, instances, short_choices, tiny_contexts
from bench.pipeline import Bench

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from transformers import LlamaForCausalLM

    from benchy.config import BenchmarkConfig
    from benchy.record import ModelIdentity
    from benchy.worker.answers.store import AnswerStore
    from benchy.worker.replicas.pool import Replicas

HIDDEN, LAYERS = 640, 12
"""Of 100 M parameters."""
MOST_FOR_KEEPING = 1.02
KEPT = (
    Scenario("2 choices, short context", MOST_FOR_KEEPING, short_choices, 32),
    Scenario("1-token contexts", MOST_FOR_KEEPING, tiny_contexts, 512),
)
SHARED = Scenario("2 choices, short context", 1 / 1.6, short_choices, 64)


def keeping(bench: Bench) -> Iterator[Figure]:
    """Yield the same requests without the store and with it."""
    import torch

    from bench.random_model import describe, tokenizer
    from benchy.worker.answers.store import AnswerStore
    from benchy.worker.hf.model import FastHFLM

    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    lm = FastHFLM(pretrained=_model(), tokenizer=tokenizer(), batch_size=BATCH_SIZE)
    for scenario in KEPT:
        requests = instances(scenario)
        lm.loglikelihood(requests[:BATCH_SIZE], disable_tqdm=True)
        plain, kept = [], []
        for number in range(bench.pairs):
            started = time.process_time()
            expected = lm.loglikelihood(requests, disable_tqdm=True)
            plain.append(time.process_time() - started)
            with closing(AnswerStore(bench.folder / f"{number} {scenario.name}.jsonl", {"model": "bench"})) as store:
                started = time.process_time()
                assert _answer_kept(lm, requests, store) == expected
                kept.append(time.process_time() - started)
        note = f"{len(requests)} requests; {describe(lm.model)}; in place of lm_eval: the same without"
        yield paired(f"keeping answers, {scenario.name}", "CPU s", kept, plain, goal=scenario.goal, note=note)
    logging.disable(logging.NOTSET)


def replicas(bench: Bench) -> Iterator[Figure]:
    """Yield the same requests by one process and by two, one thread each."""
    import torch

    from benchy.worker.answers.store import AnswerStore
    from benchy.worker.backends.lm import create_model
    from benchy.worker.replicas.pool import Replicas

    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    config, identity = _saved(bench.folder / "random model")
    requests = instances(SHARED)
    with _inherited("OMP_NUM_THREADS", "1"):
        others = Replicas(config, identity, count=2)
    lm = create_model(config, identity).lm
    seconds: dict[Replicas | None, list[float]] = {None: [], others: []}
    with closing(others):
        with closing(AnswerStore(bench.folder / "first.jsonl", {})) as store:
            expected = _answer_kept(lm, requests, store, others)  # until all have loaded
        for number in range(bench.pairs):
            for who, taken in seconds.items():
                with closing(AnswerStore(bench.folder / f"{number} {who is None}.jsonl", {})) as store:
                    started = time.perf_counter()
                    assert _answer_kept(lm, requests, store, who) == expected
                    taken.append(time.perf_counter() - started)
    note = f"{len(requests)} requests, one thread each; in place of lm_eval: one process"
    yield paired("2 replicas", "s", seconds[others], seconds[None], goal=SHARED.goal, note=note)
    logging.disable(logging.NOTSET)


PARTS: tuple[Callable[[Bench], Iterator[Figure]], ...] = (keeping, replicas)


def _answer_kept(lm: Any, requests: list[Instance], store: AnswerStore, others: Replicas | None = None) -> list[Any]:
    """As an evaluation asks."""
    from benchy.backends import find_backend
    from benchy.worker.answers.progress import RequestCounter
    from benchy.worker.answers.resumable_lm import ResumableLM
    from benchy.worker.answers.timing import Clock
    from benchy.worker.backends.lm import adapt

    counter = RequestCounter({"bench": SimpleNamespace(instances=requests)}, lambda _event: None)
    resumable = ResumableLM(adapt(lm, find_backend("hf")), store, counter, Clock(build_seconds=0.0), others)
    return resumable.loglikelihood(requests)


@contextmanager
def _inherited(name: str, value: str) -> Iterator[None]:
    """Provide an environment variable of the processes that are started meanwhile."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def _saved(folder: Path) -> tuple[BenchmarkConfig, ModelIdentity]:
    from bench.random_model import tokenizer
    from benchy.config import parse_config
    from benchy.record import ModelIdentity

    _model().save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    section = {"name": str(folder), "dtype": "float32"}
    evaluation = {"tasks": "bench", "device": "cpu", "batch_size": BATCH_SIZE}
    config = parse_config({"model": section, "evaluation": evaluation}, source="bench")
    return config, ModelIdentity(name=str(folder), source="folder")


def _model() -> LlamaForCausalLM:
    from bench.random_model import Shape, model

    return model(Shape(hidden=HIDDEN, layers=LAYERS))
