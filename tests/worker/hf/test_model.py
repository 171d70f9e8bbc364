"""Backend hf answers as plain lm-eval and as the definition in float64 do."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import CachingLM
from lm_eval.models.huggingface import HFLM
from tqdm import tqdm

from benchy.errors import EvaluationFailed
from benchy.worker.hf.model import FastHFLM
from tests.worker.hf.shapes import CONFIGS, Requests, Strings, instances, random_model, reference

Answers = list[tuple[float, bool]]
MAX_LENGTH = 100
"""Tokens; some of the requests are longer."""
OF_PLAIN_LM_EVAL = 5e-4
"""lm-eval's own log-softmax in float32 is off the definition by up to 3.2e-4, and by how much differs by CPU."""


def both(model: Any, tokenizer: Any, **arguments: Any) -> tuple[HFLM, FastHFLM]:
    arguments = {"pretrained": model, "tokenizer": tokenizer, "batch_size": 4, "max_length": MAX_LENGTH} | arguments
    return HFLM(**arguments), FastHFLM(**arguments)


def answers(lm: HFLM, pairs: list[Strings]) -> Answers:
    found: Answers = lm.loglikelihood(instances(pairs), disable_tqdm=True)
    return found


def differences(a: Answers, b: Answers) -> np.ndarray[Any, np.dtype[np.float64]]:
    found: np.ndarray[Any, np.dtype[np.float64]] = np.abs(np.array([x for x, _ in a]) - np.array([x for x, _ in b]))
    return found


def greedy(found: Answers) -> list[bool]:
    return [is_greedy for _, is_greedy in found]


def best_choices(pairs: list[Strings], found: Answers) -> dict[str, str]:
    """Return what accuracy counts: each context's likeliest continuation."""
    ranked = sorted(zip(found, pairs, strict=True), key=lambda one: one[0][0])
    return {context: continuation for _, (context, continuation) in ranked}


def split_twice(lm: HFLM, pairs: list[Strings]) -> list[bool]:
    """Whether the same tokens are asked for with another border between context and continuation.

    lm-eval 0.4.13 takes such requests for one-token continuations of one context and reads outputs at wrong positions.
    """
    encoded = [lm._encode_pair(*pair) if pair[0] else ((), lm.tok_encode(pair[1])) for pair in pairs]
    borders: dict[tuple[int, ...], set[int]] = {}
    for context, continuation in encoded:
        borders.setdefault((*context, *continuation[:-1]), set()).add(len(context))
    return [len(borders[(*context, *continuation[:-1])]) > 1 for context, continuation in encoded]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", CONFIGS)
def test_equals_the_definition_and_plain_lm_eval(name: str, seed: int, tokenizers: dict[bool, Any]) -> None:
    stock, fast = both(random_model(name, seed), tokenizers[bool(seed)])
    pairs = Requests(seed).all()

    got, exact = answers(fast, pairs), reference(stock, pairs)

    assert fast.stock_reason is None
    assert differences(got, exact).max() < 1e-4
    assert greedy(got) == greedy(exact)
    plain = [pair for pair, twice in zip(pairs, split_twice(stock, pairs), strict=True) if not twice]
    expected = answers(stock, plain)
    got = [answer for answer, pair in zip(got, pairs, strict=True) if pair in plain]
    assert differences(got, expected).max() < OF_PLAIN_LM_EVAL
    assert greedy(got) == greedy(expected)
    assert best_choices(plain, got) == best_choices(plain, expected)


def test_the_requests_need_their_contexts_and_show_every_mistake_in_them(tokenizers: dict[bool, Any]) -> None:
    stock, fast = both(random_model("llama"), tokenizers[False])
    pairs = list(Requests(0).few_shot(6))
    changed = [("da" + context[2:], continuation) for context, continuation in pairs]
    assert differences(answers(fast, pairs), answers(stock, changed)).min() > 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_the_same_tokens_with_another_border_are_scored_apart(seed: int, tokenizers: dict[bool, Any]) -> None:
    stock, fast = both(random_model("llama", seed), tokenizers[False])
    text = Requests(seed).words(4, 4)
    pairs = [(f"{text} {text}", " da"), (text, f" {text} da"), (text, f" {text} bu")]
    assert any(split_twice(stock, pairs))
    assert differences(answers(fast, pairs), reference(stock, pairs)).max() < 1e-4


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "qwen3_moe"])
def test_knows_what_is_greedy(name: str, tokenizers: dict[bool, Any]) -> None:
    stock, fast = both(random_model(name), tokenizers[False])
    requests = []
    for seed in range(8):
        context = stock.tok_encode(Requests(seed).words(8, 8))
        likeliest = stock.model.generate(torch.tensor([context]), max_new_tokens=4, do_sample=False, eos_token_id=None)
        continuation = likeliest[0, len(context) :].tolist()
        requests += [(None, context, continuation[: n + 1]) for n in range(4)]
        requests.append((None, context, [*continuation[:3], (continuation[3] + 1) % 300]))
    got = fast._loglikelihood_tokens(requests, disable_tqdm=True)
    assert greedy(got) == [True, True, True, True, False] * 8


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["llama", "gpt2", "qwen2", "mistral, sliding window", "gemma2", "mixtral"])
def test_in_half_precision_as_near_to_the_definition_as_plain_lm_eval(
    name: str, dtype: torch.dtype, tokenizers: dict[bool, Any]
) -> None:
    stock, fast = both(random_model(name).to(dtype), tokenizers[False])
    pairs = [*Requests(3).choices(20), *Requests(4).few_shot(20)]
    exact = reference(stock, pairs)
    got, expected = differences(answers(fast, pairs), exact), differences(answers(stock, pairs), exact)
    assert fast.stock_reason is None
    assert np.sqrt((got**2).mean()) <= 1.2 * np.sqrt((expected**2).mean())


@pytest.mark.parametrize("batch_size", [1, 64, "auto"])
def test_the_batch_size_changes_nothing(batch_size: int | str, tokenizers: dict[bool, Any]) -> None:
    stock, fast = both(random_model("qwen2, sliding window"), tokenizers[False], batch_size=batch_size)
    pairs = Requests(5).all()
    assert differences(answers(fast, pairs), reference(stock, pairs)).max() < 1e-4


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_whole_texts(name: str, tokenizers: dict[bool, Any]) -> None:
    stock, fast = both(random_model(name), tokenizers[True])
    texts = [(Requests(seed).words(1, 120),) for seed in range(6)]
    requests = [Instance("loglikelihood_rolling", {}, (text), index) for index, text in enumerate([*texts, texts[0]])]
    expected = stock.loglikelihood_rolling(requests, disable_tqdm=True)
    assert fast.loglikelihood_rolling(requests, disable_tqdm=True) == pytest.approx(expected, rel=1e-6)


def test_mixed_precision_is_kept(tokenizers: dict[bool, Any]) -> None:
    stock, fast = both(random_model("llama"), tokenizers[False], mixed_precision_dtype="bfloat16")
    pairs = list(Requests(0).choices(10))
    exact = reference(stock, pairs)
    got, expected = differences(answers(fast, pairs), exact), differences(answers(stock, pairs), exact)
    assert 1e-3 < got.mean() < 1.2 * expected.mean()


@pytest.mark.parametrize(("context", "continuation"), [("da", ""), ("", ""), ("", "<s>"), ("da", " da" * 120)])
def test_refuses_what_cannot_be_scored(context: str, continuation: str, tokenizers: dict[bool, Any]) -> None:
    _, fast = both(random_model("llama"), tokenizers[False])
    with pytest.raises(EvaluationFailed, match="cannot score"):
        answers(fast, [("da", " ba"), (context, continuation)])


def test_says_how_many_contexts_lose_their_beginning(
    tokenizers: dict[bool, Any], caplog: pytest.LogCaptureFixture
) -> None:
    _, fast = both(random_model("llama"), tokenizers[False])
    with caplog.at_level(logging.WARNING, logger="benchy"):
        answers(fast, [("da " * 200, "ba"), ("da", " ba")])
    assert "1 of 2 contexts do not fit into max_length" in caplog.text


def test_fills_lm_evals_cache_as_it_goes(tokenizers: dict[bool, Any], tmp_path: Any) -> None:
    _, fast = both(random_model("llama"), tokenizers[False])
    pairs = Requests(0).all()
    caching = CachingLM(fast, str(tmp_path / "cache.db"))
    first = fast.loglikelihood(instances(pairs), disable_tqdm=True)  # not through the cache, which only listens
    assert len(caching.dbdict) == len(set(pairs))
    assert caching.loglikelihood(instances(pairs)) == [tuple(answer) for answer in first]
    caching.dbdict.close()


def test_one_tick_a_request(tokenizers: dict[bool, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: Counter[str] = Counter()
    close = tqdm.close

    def count(bar: Any) -> None:
        ticks[bar.desc] = max(ticks[bar.desc], bar.n)
        close(bar)

    monkeypatch.setattr(tqdm, "close", count)
    _, fast = both(random_model("llama"), tokenizers[False])
    pairs = Requests(0).all()
    fast.loglikelihood(instances(pairs))
    assert ticks["Running loglikelihood requests"] == ticks["Tokenizing inputs"] == len(pairs)
