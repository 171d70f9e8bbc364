"""What log-likelihoods cost: Benchy's ``hf`` against ``hf-stock``, which is plain lm-eval.

The time is CPU seconds of one thread; on a GPU, which is used where there is one, wall seconds. Peak memory is what a
run over half of the documents adds to the loaded model.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.figures import Figure, paired
from bench.pipeline import Bench

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from bench.random_model import Shape, Words

BATCH_SIZE = 8
NEVER_SLOWER = 1 / 0.95
Arguments = tuple[str, ...]


@dataclass(frozen=True)
class Scenario:
    """One kind of work."""

    name: str
    goal: float
    """Our seconds over plain lm-eval's, at most."""
    make: Callable[[Words, int], Iterator[Arguments]]
    """The requests of so many documents."""
    documents: int
    kind: str = "loglikelihood"
    """The method of lm-eval's model that does it."""


def four_choices(words: Words, documents: int) -> Iterator[Arguments]:
    """As in HellaSwag and ARC, with a long context."""
    for _ in range(documents):
        context = words(300)
        yield from ((context, " " + words(4, 16)) for _ in range(4))


def five_shot(words: Words, documents: int) -> Iterator[Arguments]:
    """As in MMLU: the same worked examples before each question, answers of one token."""
    examples = words(600)
    letters = [" " + words(1) for _ in range(4)]
    for _ in range(documents):
        context = f"{examples} {words(30, 70)}"
        yield from ((context, letter) for letter in letters)


def short_choices(words: Words, documents: int) -> Iterator[Arguments]:
    """As in PIQA: a short context, two long choices."""
    for _ in range(documents):
        context = words(5, 20)
        yield from ((context, " " + words(10, 40)) for _ in range(2))


def nothing_shared(words: Words, documents: int) -> Iterator[Arguments]:
    """As in LAMBADA: one continuation a context."""
    return ((words(20, 200), " " + words(1, 3)) for _ in range(documents))


def same_ends(words: Words, documents: int) -> Iterator[Arguments]:
    """As in WinoGrande: two contexts that differ early, one continuation."""
    for _ in range(documents):
        end = words(5, 15)
        yield from ((words(10, 25), " " + end) for _ in range(2))


def tiny_contexts(words: Words, documents: int) -> Iterator[Arguments]:
    """Yield the least that can be asked."""
    return ((words(1), " " + words(1)) for _ in range(documents))


def whole_texts(words: Words, documents: int) -> Iterator[Arguments]:
    """As in WikiText: every token of long texts."""
    return ((words(200, 900),) for _ in range(documents))


SCENARIOS = (
    Scenario("4 choices, context of 300", 1 / 4, four_choices, 4),
    Scenario("5-shot, shared prefix of 600", 1 / 4, five_shot, 8),
    Scenario("2 choices, short context", NEVER_SLOWER, short_choices, 16),
    Scenario("nothing shared", NEVER_SLOWER, nothing_shared, 16),
    Scenario("2 contexts, 1 end", NEVER_SLOWER, same_ends, 24),
    Scenario("1-token contexts", NEVER_SLOWER, tiny_contexts, 256),
    Scenario("rolling", NEVER_SLOWER, whole_texts, 4, kind="loglikelihood_rolling"),
)
GPU_DOCUMENTS = 16
"""Times as many on a GPU."""


def log_likelihoods(bench: Bench) -> Iterator[Figure]:
    """Each kind of work, on a model of 58 M parameters; on a GPU, of 1.1 B."""
    import torch

    from bench.random_model import Shape

    torch.set_num_threads(1)
    yield from log_likelihoods_of(Shape(hidden=512, layers=8), bench.pairs)
    if torch.cuda.is_available():
        yield from log_likelihoods_of(Shape(hidden=2048, layers=20, device="cuda", dtype="bfloat16"), bench.pairs)


PARTS: tuple[Callable[[Bench], Iterator[Figure]], ...] = (log_likelihoods,)


def log_likelihoods_of(shape: Shape, pairs: int) -> Iterator[Figure]:
    """Each kind of work, on one model."""
    from lm_eval.models.huggingface import HFLM

    from bench.random_model import describe, model, tokenizer
    from benchy.worker.hf.model import FastHFLM

    arguments: dict[str, Any] = {"pretrained": model(shape), "tokenizer": tokenizer(), "batch_size": BATCH_SIZE}
    plain, ours = HFLM(**arguments), FastHFLM(**arguments)
    where = describe(plain.model)
    logging.disable(logging.WARNING)
    for scenario in SCENARIOS:
        requests = instances(scenario, times=GPU_DOCUMENTS if shape.device == "cuda" else 1)
        yield from _compare(scenario, requests, ours, plain, pairs=pairs, where=where)
    logging.disable(logging.NOTSET)


def instances(scenario: Scenario, *, times: int = 1) -> list[Instance]:
    """Return the requests of one benchmark, ``bench``."""
    from lm_eval.api.instance import Instance

    from bench.random_model import Words

    arguments = scenario.make(Words(), scenario.documents * times)
    return [Instance(scenario.kind, {}, each, index, ("bench", index, 1)) for index, each in enumerate(arguments)]


def _compare(
    scenario: Scenario, requests: list[Instance], ours: HFLM, plain: HFLM, *, pairs: int, where: str
) -> Iterator[Figure]:
    """Run both in turns."""
    seconds: dict[HFLM, list[float]] = {plain: [], ours: []}
    answers: dict[HFLM, list[Any]] = {}
    for _ in range(pairs):
        for lm, taken in seconds.items():
            spent, answers[lm] = _run(lm, scenario, requests)
            taken.append(spent)
    difference = _largest_difference(answers[ours], answers[plain])
    note = f"{len(requests)} requests, batches of {BATCH_SIZE}, difference {difference:.0e}; {where}"
    name = f"log-likelihoods, {scenario.name}"
    unit = "s" if plain.device.type == "cuda" else "CPU s"
    yield paired(name, unit, seconds[ours], seconds[plain], goal=scenario.goal, note=note)
    some = requests[: len(requests) // 2]
    yield paired(
        "  peak memory", "MiB", [_peak_mib(ours, scenario, some)], [_peak_mib(plain, scenario, some)], goal=1.0
    )


def _run(lm: HFLM, scenario: Scenario, requests: list[Instance]) -> tuple[float, list[Any]]:
    """Seconds and answers."""
    clock = time.perf_counter if lm.device.type == "cuda" else time.process_time
    started = clock()
    answers = getattr(lm, scenario.kind)(requests, disable_tqdm=True)
    return clock() - started, answers


def _peak_mib(lm: HFLM, scenario: Scenario, requests: list[Instance]) -> float:
    """Return the most that a run holds at once beside the model, in MiB, as torch's allocator saw it."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    if lm.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        _run(lm, scenario, requests)
        return float(torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        _run(lm, scenario, requests)
    kineto: Any = profiler.profiler
    events = [event for event in kineto.kineto_results.events() if event.name() == "[memory]"]
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return float(max(itertools.accumulate(changes, initial=0))) / 2**20


def _largest_difference(ours: list[Any], plain: list[Any]) -> float:
    """Of the log-likelihoods: a pair's first, or a rolling one itself."""
    import numpy as np

    return float(np.abs(np.array(ours, float) - np.array(plain, float)).max())
