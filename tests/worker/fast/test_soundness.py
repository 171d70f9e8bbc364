"""Models for which a shared prefix would be wrong are computed as plain lm-eval does."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
import transformers

from benchy.worker.fast.model import FastHFLM
from benchy.worker.fast.soundness import longest_sound, windows
from tests.worker.fast.shapes import BASE, CONFIGS, VOCABULARY, WINDOW, Requests, instances, random_model

SMALL = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "pad_token_id": 2}
LINEAR = {"layer_types": ["linear_attention", "full_attention"], "linear_num_value_heads": 4, "linear_num_key_heads": 4}


class CustomLlama(transformers.LlamaForCausalLM):  # type: ignore[misc]
    """A model whose code is not transformers' own."""


UNSOUND: dict[str, tuple[Any, str]] = {
    "recurrent": (lambda: transformers.MambaForCausalLM(transformers.MambaConfig(**SMALL)), "linear_attention"),
    "recurrent layers among others": (
        lambda: transformers.Qwen3NextForCausalLM(transformers.Qwen3NextConfig(**BASE, **LINEAR)), "linear_attention"
    ),
    "positions from the mask": (
        lambda: transformers.BloomForCausalLM(transformers.BloomConfig(**SMALL, n_head=4)), "does not take positions"
    ),
    "encoder and decoder": (
        lambda: transformers.T5ForConditionalGeneration(
            transformers.T5Config(
                vocab_size=VOCABULARY, d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2, decoder_start_token_id=2
            )
        ),
        "no plain causal",
    ),
    "custom code": (lambda: CustomLlama(CONFIGS["llama"]()), "custom code"),
    "attention to what comes": (
        lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**BASE, is_causal=False)), "differ by"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSOUND)
def test_falls_back_and_says_why(name: str, tokenizers: dict[bool, Any], caplog: pytest.LogCaptureFixture) -> None:
    make, reason = UNSOUND[name]
    torch.manual_seed(0)
    lm = FastHFLM(pretrained=make().eval(), tokenizer=tokenizers[False], max_length=100)
    with caplog.at_level(logging.WARNING, logger="benchy"):
        answers = lm.loglikelihood(instances(list(Requests(0).choices(2))), disable_tqdm=True)
    assert len(answers) == 8
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("benchy")]
    assert "as plain lm-eval does" in line
    assert reason in line


@pytest.mark.parametrize("name", [name for name in CONFIGS if "eager" not in name])
def test_the_tested_shapes_are_sound(name: str, tokenizers: dict[bool, Any]) -> None:
    assert FastHFLM(pretrained=random_model(name), tokenizer=tokenizers[False]).forward is not None


def test_windows_are_read_from_the_config() -> None:
    assert windows(random_model("llama")).size is None
    assert not windows(random_model("mistral, sliding window")).mixed
    assert windows(random_model("gemma2")).mixed
    assert windows(random_model("gemma2")).size == WINDOW


def test_only_windows_that_were_compared_may_be_exceeded() -> None:
    assert longest_sound(random_model("mistral, sliding window")) is None
    untested = transformers.Starcoder2Config(**BASE, sliding_window=WINDOW)
    assert longest_sound(transformers.Starcoder2ForCausalLM(untested)) == WINDOW
