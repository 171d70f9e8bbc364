"""What is computed at once never takes more memory than plain lm-eval's batch of the longest requests."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from lm_eval.models.huggingface import HFLM
from torch.profiler import ProfilerActivity, profile

from benchy.worker.hf.memory_budget import Budget, ModelShape, model_shape, stock_budget
from benchy.worker.hf.model import FastHFLM
from benchy.worker.hf.plan import make_plan
from tests.worker.hf.shapes import BASE, Requests, Strings, instances, random_model
from tests.worker.hf.test_plan import request, rows, words

SHAPE = ModelShape(
    layers=8, hidden=512, inner=1408, query_width=512, key_width=512, vocabulary=32_000, itemsize=4, score_heads=0,
    grows=True,
)  # fmt: skip


def budget(**changes: Any) -> Budget:
    arguments: dict[str, Any] = {"batch_size": 1, "longest": 300, "device": "cpu"} | changes
    return stock_budget(SHAPE, **arguments)


def test_a_batch_of_plain_lm_eval_always_fits() -> None:
    for batch_size, longest in itertools.product((1, 4), (1, 30, 300, 900)):
        stock = budget(batch_size=batch_size, longest=longest)
        keys = SHAPE.passing(batch_size, longest, longest, masked=False)
        assert SHAPE.kept(batch_size * longest) + keys <= stock.limit
        assert SHAPE.outputs(batch_size * longest) <= stock.limit


def test_what_is_not_spent_on_outputs_buys_tokens() -> None:
    assert budget().allows(rows=3, depth=0, length=300, scored=12)
    assert not budget().allows(rows=3, depth=0, length=300, scored=900)


def test_a_mixture_of_experts_gets_no_more_tokens_than_plain_lm_eval() -> None:
    routed = dataclasses.replace(SHAPE, grows=False)
    assert not stock_budget(routed, batch_size=1, longest=300, device="cpu").allows(
        rows=2, depth=0, length=300, scored=2
    )


def test_batches_hold_all_rows_once_and_fit() -> None:
    examples = words(0, 200)
    plan = make_plan([request(k, examples + words(k, 10 + k % 90), scored=3) for k in range(300)], budget().row_limit())
    batches = list(budget().batches(plan))
    assert sorted(id(row) for batch in batches for row in batch.rows) == sorted(id(row) for _, row in rows(plan))
    assert sorted(index for batch in batches for index in batch.indices) == list(range(300))
    for batch in batches:
        assert batch.depth == sum(map(len, batch.prefixes))
        length, scored = max(row.length for row in batch.rows), sum(row.scored for row in batch.rows)
        assert budget().allows(rows=len(batch.rows), depth=batch.depth, length=length, scored=scored)


def test_sizes_are_read_from_the_model() -> None:
    shape = model_shape(random_model("llama"))
    assert (shape.layers, shape.hidden, shape.inner, shape.query_width, shape.key_width) == (2, 32, 48, 32, 16)
    assert (shape.vocabulary, shape.itemsize, shape.score_heads, shape.grows) == (384, 4, 0, True)
    assert model_shape(random_model("llama, eager attention")).score_heads == 4
    assert not model_shape(random_model("mixtral")).grows


def peak_bytes(lm: Any, pairs: list[Strings]) -> int:
    """Return the most that torch's allocator had given out at once, beside the model."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        lm.loglikelihood(instances(pairs), disable_tqdm=True)
    recorded: Any = profiler.profiler
    events = [event for event in recorded.kineto_results.events() if event.name() == "[memory]"]
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    peak: int = max(itertools.accumulate(changes, initial=0))
    return peak


KINDS: dict[str, Callable[[Requests], list[Strings]]] = {
    "choices": lambda draw: list(draw.choices(8)),
    "many choices": lambda draw: list(draw.choices(1, number=60)),
    "few-shot": lambda draw: list(draw.few_shot(20)),
    "nothing shared": lambda draw: [(draw.words(1, 30), " " + draw.words(1, 2)) for _ in range(30)],
    "all scored": lambda draw: [("", draw.words(20, 30)) for _ in range(8)],
}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_the_peak_is_never_above_plain_lm_evals(
    kind: str, batch_size: int, attention: str, tokenizers: dict[bool, Any]
) -> None:
    torch.manual_seed(0)
    sizes = BASE | {"vocab_size": 4000, "hidden_size": 64, "intermediate_size": 172, "head_dim": 16}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, attn_implementation=attention)).eval()
    arguments = {"pretrained": model, "tokenizer": tokenizers[False], "batch_size": batch_size}
    stock, fast = HFLM(**arguments), FastHFLM(**arguments)
    assert fast.stock_reason is None
    pairs = KINDS[kind](Requests(0))
    assert peak_bytes(fast, pairs) <= peak_bytes(stock, pairs)
