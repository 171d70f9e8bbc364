"""Models for which a shared prefix would be wrong are computed as plain lm-eval does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers

from benchy.worker.hf.model import FastHFLM
from benchy.worker.hf.support import windows
from tests.worker.hf.shapes import BASE, CONFIGS, MIXED, VOCABULARY, WINDOW, Requests, instances, random_model

SMALL = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "pad_token_id": 2}
IN_8_BITS = {"load_in_8bit": True, "quant_method": "bitsandbytes"}
LINEAR = {"layer_types": ["linear_attention", "full_attention"], "linear_num_value_heads": 4, "linear_num_key_heads": 4}


class CustomLlama(transformers.LlamaForCausalLM):  # type: ignore[misc]
    """A model whose code is not transformers' own."""


def from_config(name: str, **arguments: Any) -> Callable[[], Any]:
    """Return a function that makes a model of that type with random weights."""
    return lambda: transformers.AutoModelForCausalLM.from_config(getattr(transformers, f"{name}Config")(**arguments))


UNSOUND: dict[str, tuple[Callable[[], Any], str]] = {
    "recurrent": (from_config("Mamba", **SMALL), "no test compares mamba yet"),
    "recurrent layers among others": (from_config("Qwen3Next", **BASE, **LINEAR), "no test compares qwen3_next yet"),
    "positions from the mask": (from_config("Bloom", **SMALL, n_head=4), "no test compares bloom yet"),
    "a window that no mask tells": (
        from_config("GPTNeo", **SMALL, num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]]),
        "no test compares gpt_neo yet",
    ),
    "a sliding window that was not compared": (
        from_config("Qwen3", **BASE, use_sliding_window=True, **MIXED), "no test compares qwen3 with a sliding window"
    ),
    "positions that depend on the length": (
        from_config("Llama", **BASE, rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10_000.0}),
        "scaled by the length of the text (dynamic)",
    ),
    "quantized": (from_config("Llama", **BASE, quantization_config=IN_8_BITS), "quantized"),
    "encoder and decoder": (
        lambda: transformers.T5ForConditionalGeneration(
            transformers.T5Config(
                vocab_size=VOCABULARY, d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2, decoder_start_token_id=2
            )
        ),
        "no plain causal",
    ),
    "custom code": (lambda: CustomLlama(CONFIGS["llama"]()), "custom code"),
    "attention to what comes": (from_config("Llama", **BASE, is_causal=False), "differ by"),
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


def test_falls_back_where_processes_or_devices_share_the_work(tokenizers: dict[bool, Any]) -> None:
    lm = FastHFLM(pretrained=random_model("llama"), tokenizer=tokenizers[False])
    lm._world_size = 2  # what `accelerate launch` makes of it, with GPUs only
    assert lm.stock_reason == "it is distributed by accelerate"
    spread = {"model.embed_tokens": "cpu", "model.layers": "disk", "model.norm": "cpu", "model.rotary_emb": "cpu"}
    model = random_model("llama")
    model.hf_device_map = spread | {"lm_head": "cpu"}  # as transformers leaves it
    assert FastHFLM(pretrained=model, tokenizer=tokenizers[False]).stock_reason == "it is distributed by parallelize"


def test_windows_are_read_from_the_config() -> None:
    assert windows(random_model("llama")).size is None
    assert not windows(random_model("mistral, sliding window")).mixed
    assert windows(random_model("gemma2")).mixed
    assert windows(random_model("gemma2")).size == WINDOW
