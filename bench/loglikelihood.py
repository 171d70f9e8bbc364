"""Times and weighs log-likelihoods: backend ``hf`` against ``hf-stock``, on random weights made on the spot.

Pairs of runs alternate (A B A B); the ratio is the median over the pairs. On a CPU the time is CPU seconds of one
thread, on a GPU it is wall seconds. Peak memory is what one run over a quarter of the documents
adds to the loaded model.

    OMP_NUM_THREADS=1 python bench/loglikelihood.py [--quick] [--json FILE] [--device cuda --layers 16 --hidden 2048]
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.profiler import ProfilerActivity, profile
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from benchy.worker.fast.model import FastHFLM

VOCABULARY = 32_000
SPECIAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
Arguments = tuple[str, ...]


@dataclass(frozen=True)
class Scenario:
    """One kind of work."""

    name: str
    kind: str
    """The method of lm-eval's model that does it."""
    goal: float
    """Stock seconds over fast seconds."""
    make: Callable[[Words, int], Iterator[Arguments]]
    """The requests of so many documents."""
    documents: int


@dataclass(frozen=True)
class Measured:
    """One scenario at one batch size."""

    scenario: str
    batch_size: int
    requests: int
    goal: float
    stock_seconds: float
    fast_seconds: float
    ratio: float
    lowest_ratio: float
    highest_ratio: float
    stock_peak_mib: float
    fast_peak_mib: float
    largest_difference: float
    """Of the log-likelihoods."""


class Words:
    """Draws text in which a word is a token."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def __call__(self, low: int, high: int | None = None) -> str:
        """From ``low`` to ``high`` words."""
        count = low if high is None else int(self._random.integers(low, high + 1))
        return " ".join(f"w{number}" for number in self._random.integers(4, VOCABULARY, count))


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
    """The least that can be asked."""
    return ((words(1), " " + words(1)) for _ in range(documents))


def whole_texts(words: Words, documents: int) -> Iterator[Arguments]:
    """As in WikiText: every token of long texts."""
    return ((words(200, 900),) for _ in range(documents))


SCENARIOS = (
    Scenario("4 choices, context of 300", "loglikelihood", 4.0, four_choices, 16),
    Scenario("5-shot, prefix of 600", "loglikelihood", 4.0, five_shot, 24),
    Scenario("2 choices, short context", "loglikelihood", 0.95, short_choices, 32),
    Scenario("nothing shared", "loglikelihood", 0.95, nothing_shared, 32),
    Scenario("2 contexts, 1 end", "loglikelihood", 0.95, same_ends, 48),
    Scenario("1-token contexts", "loglikelihood", 0.95, tiny_contexts, 128),
    Scenario("rolling", "loglikelihood_rolling", 0.95, whole_texts, 8),
)


def tokenizer() -> PreTrainedTokenizerFast:
    """A word a token."""
    words = [*SPECIAL.values(), *(f"w{number}" for number in range(4, VOCABULARY))]
    raw = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, SPECIAL["unk_token"]))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=raw, **SPECIAL)


def model(options: argparse.Namespace) -> LlamaForCausalLM:
    """A Llama with random weights."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=options.hidden,
        intermediate_size=options.hidden * 11 // 4,
        num_hidden_layers=options.layers,
        num_attention_heads=options.hidden // 64,
        max_position_embeddings=1024,
        dtype=options.dtype,
    )
    return LlamaForCausalLM(config).to(options.device, getattr(torch, options.dtype)).eval()


def run(lm: Any, scenario: Scenario, requests: list[Instance]) -> tuple[float, list[Any]]:
    """Seconds and answers."""
    on_cpu = lm.device.type == "cpu"
    clock = time.process_time if on_cpu else time.perf_counter
    started = clock()
    answers = getattr(lm, scenario.kind)(requests, disable_tqdm=True)
    return clock() - started, answers


def peak_mib(lm: Any, scenario: Scenario, requests: list[Instance]) -> float:
    """The most that a run holds at once beside the model, in MiB, as torch's allocator saw it."""
    if lm.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run(lm, scenario, requests)
        return float(torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run(lm, scenario, requests)
    kineto: Any = profiler.profiler
    events = [event for event in kineto.kineto_results.events() if event.name() == "[memory]"]
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return float(max(itertools.accumulate(changes, initial=0))) / 2**20


def compare(scenario: Scenario, stock: HFLM, fast: FastHFLM, options: argparse.Namespace) -> Measured:
    """Alternate the two."""
    documents = scenario.documents // 4 if options.quick else scenario.documents
    arguments = list(scenario.make(Words(), documents * options.scale))
    requests = [Instance(scenario.kind, {}, each, index) for index, each in enumerate(arguments)]
    some = requests[: len(requests) // 4]
    peaks = peak_mib(stock, scenario, some), peak_mib(fast, scenario, some)
    pairs = []
    for _ in range(1 if options.quick else options.pairs):
        (slow_seconds, expected), (fast_seconds, got) = run(stock, scenario, requests), run(fast, scenario, requests)
        pairs.append((slow_seconds, fast_seconds))
    ratios = [slow / quick for slow, quick in pairs]
    return Measured(
        scenario=scenario.name,
        batch_size=stock.batch_size,
        requests=len(requests),
        goal=scenario.goal,
        stock_seconds=statistics.median(slow for slow, _ in pairs),
        fast_seconds=statistics.median(quick for _, quick in pairs),
        ratio=statistics.median(ratios),
        lowest_ratio=min(ratios),
        highest_ratio=max(ratios),
        stock_peak_mib=peaks[0],
        fast_peak_mib=peaks[1],
        largest_difference=float(np.abs(np.array(expected, float) - np.array(got, float)).max()),
    )


def table(found: list[Measured], title: str) -> Table:
    """The figures beside the goals."""
    drawn = Table(title=title)
    heads = (
        "scenario",
        "batch",
        "requests",
        "stock s",
        "fast s",
        "ratio (spread)",
        "goal",
        "stock MiB",
        "fast MiB",
        "diff",
    )
    for head in heads:
        drawn.add_column(head, justify="left" if head == "scenario" else "right")
    for row in found:
        spread = f"{row.ratio:.2f} ({row.lowest_ratio:.2f}-{row.highest_ratio:.2f})"
        times = f"{row.stock_seconds:.2f}", f"{row.fast_seconds:.2f}", spread, f"{row.goal:g}"
        memory = f"{row.stock_peak_mib:.0f}", f"{row.fast_peak_mib:.0f}", f"{row.largest_difference:.0e}"
        drawn.add_row(row.scenario, str(row.batch_size), str(row.requests), *times, *memory)
    return drawn


def main() -> None:
    """Run every scenario at every batch size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the documents, one pair")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--scale", type=int, default=1, help="times as many documents")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--only", default="", help="scenarios with this in their names")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--hidden", type=int, default=512)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    loaded, words = model(options), tokenizer()
    found = []
    for batch_size in options.batch_sizes:
        kwargs = {"pretrained": loaded, "tokenizer": words, "batch_size": batch_size}
        stock, fast = HFLM(**kwargs), FastHFLM(**kwargs)
        for scenario in SCENARIOS:
            if options.only in scenario.name:
                found.append(compare(scenario, stock, fast, options))
    parameters = sum(weights.numel() for weights in loaded.parameters())
    where = torch.cuda.get_device_name() if options.device != "cpu" else f"one CPU thread ({platform.machine()})"
    Console(width=140).print(table(found, f"Llama of {parameters:,} parameters, {options.dtype}, {where}"))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
