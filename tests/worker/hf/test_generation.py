"""Backend hf generates the texts of plain lm-eval, in fewer steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from benchy.worker.hf.model import FastHFLM
from tests.worker.hf.shapes import Requests, random_model

MOST = 48
STOPS = ["\n", "la", " d", "k"]


def generations(seed: int, **arguments: Any) -> list[Instance]:
    draw = Requests(seed)
    given = {"until": STOPS, "max_gen_toks": MOST} | arguments
    return [Instance("generate_until", {}, (draw.words(1, 12), given), index) for index in range(12)]


def texts_and_rows(lm: HFLM, requests: list[Instance]) -> tuple[list[str], list[int]]:
    """And how many rows were computed at each step."""
    rows: list[int] = []
    with lm.model.register_forward_hook(lambda _model, _inputs, output: rows.append(len(output.logits))):
        return lm.generate_until(requests, disable_tqdm=True), rows


def both(name: str, tokenizer: Any, *, seed: int, batch_size: int = 4) -> tuple[HFLM, FastHFLM]:
    model = random_model(name, seed)
    arguments = {"pretrained": model, "tokenizer": tokenizer, "batch_size": batch_size, "max_length": 128}
    return HFLM(**arguments), FastHFLM(**arguments)


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma3", "mixtral"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_texts_are_those_of_plain_lm_eval(name: str, seed: int, tokenizers: dict[bool, Any]) -> None:
    plain, fast = both(name, tokenizers[True], seed=seed)
    expected, more_rows = texts_and_rows(plain, generations(seed))
    texts, rows = texts_and_rows(fast, generations(seed))
    assert texts == expected
    assert sum(rows) <= sum(more_rows)
    assert len(set(map(len, texts))) > 1


def test_a_batch_shrinks_and_ends_with_its_longest_text(tokenizers: dict[bool, Any]) -> None:
    """Plain lm-eval computes all rows to the most tokens, since the texts end at different stop sequences."""
    plain, fast = both("llama", tokenizers[True], seed=1, batch_size=12)
    assert texts_and_rows(plain, generations(1))[1] == [12] * MOST
    rows = texts_and_rows(fast, generations(1))[1]
    assert len(rows) < MOST
    assert rows[0] == 12
    assert rows[-1] < 6


def test_a_model_with_a_cache_of_its_own_ends_its_texts_too(tokenizers: dict[bool, Any]) -> None:
    plain, fast = both("llama", tokenizers[True], seed=1, batch_size=12)
    expected, _ = texts_and_rows(plain, generations(1))
    fast.model.generation_config.cache_implementation = "dynamic"
    texts, rows = texts_and_rows(fast, generations(1))
    assert texts == expected
    assert len(rows) < MOST


@pytest.mark.parametrize(
    ("model_sets", "arguments"),
    [
        ({"max_new_tokens": 12}, {}),
        ({"begin_suppress_tokens": list(range(3, 384, 2))}, {}),
        ({}, {"eos_token_id": list(range(300, 384))}),
        ({}, {"until": [""]}),
        ({}, {"until": ["a", "kal", "dab", "mak"]}),
        ({}, {"until": ["la", "<"]}),
    ],
    ids=["most tokens", "first tokens", "end tokens", "empty stop", "stop in a stop", "stop in a token"],
)
def test_what_ends_texts_in_another_way_is_left_to_lm_eval(
    model_sets: dict[str, Any], arguments: dict[str, Any], tokenizers: dict[bool, Any]
) -> None:
    plain, fast = both("llama", tokenizers[True], seed=2)
    for name, value in model_sets.items():
        setattr(fast.model.generation_config, name, value)
    expected, _ = texts_and_rows(plain, generations(2, **arguments))
    assert texts_and_rows(fast, generations(2, **arguments))[0] == expected


def test_an_end_token_that_the_model_does_not_know(tokenizers: dict[bool, Any]) -> None:
    """As of a chat model whose generation config is its base model's: lm-eval ends a batch there, and cuts nothing."""
    plain, fast = both("llama", tokenizers[True], seed=2)
    fast.model.lm_head.weight.data[tokenizers[True].eos_token_id] *= 3  # it comes often
    fast.model.generation_config.eos_token_id = None
    expected, _ = texts_and_rows(plain, generations(2))
    assert texts_and_rows(fast, generations(2))[0] == expected


def test_refuses_to_generate_nothing(tokenizers: dict[bool, Any]) -> None:
    for lm in both("llama", tokenizers[True], seed=0):
        with pytest.raises(ValueError, match="max_length"):
            texts_and_rows(lm, generations(0, max_gen_toks=0))


def test_drawn_texts_take_the_same_random_numbers(tokenizers: dict[bool, Any]) -> None:
    drawn = generations(0, do_sample=True, temperature=1.0)
    found = []
    for lm in both("llama", tokenizers[True], seed=0):
        torch.manual_seed(0)
        found.append(texts_and_rows(lm, drawn))
    assert found[0] == found[1]
