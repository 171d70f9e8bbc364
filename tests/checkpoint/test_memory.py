"""Does it fit: the estimate against real models' tensors, and what is said when it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchy.backends import find_backend
from benchy.checkpoint.memory import GIB, estimate_memory, judge_memory, parse_memory
from benchy.checkpoint.shape import read_shape
from benchy.checkpoint.weights import Weights
from benchy.config import BenchmarkConfig, load_config, parse_config
from benchy.errors import ConfigError, NotEnoughMemory
from benchy.preflight.checks import preflight
from tests.commands import REPOSITORY, benchy
from tests.hub.commands import hub_config
from tests.hub.models import tiny_llama, write_files

LLAMA_8B = {
    "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 8192,
}  # fmt: skip


def configured(evaluation: dict[str, Any] | None = None, **model: Any) -> BenchmarkConfig:
    data = {"model": {"name": "x", **model}, "evaluation": {"tasks": "t"} | (evaluation or {})}
    return parse_config(data, source="test")


def test_keys_and_values_are_counted_by_the_key_value_heads() -> None:
    shape = read_shape(LLAMA_8B)
    assert shape is not None
    estimate = estimate_memory(
        configured({"batch_size": 4}, dtype="bfloat16", max_length=1000),
        Weights({"float32": 8_000_000_000}),
        shape,
        stored_dtype="float32",
    )
    assert estimate.weights_bytes == 16_000_000_000
    assert estimate.kv_cache_bytes == 4 * 1000 * 32 * 2 * 8 * 128 * 2
    assert estimate.logits_bytes == 4 * 1000 * 128256 * 2 * 2


def test_layers_with_a_window_keep_the_window_only() -> None:
    kinds = ["sliding_attention"] * 16 + ["full_attention"] * 8 + ["linear_attention"] * 8
    shape = read_shape(LLAMA_8B | {"layer_types": kinds, "sliding_window": 100})
    assert shape is not None
    estimate = estimate_memory(configured(max_length=1000), Weights({"bfloat16": 1}), shape, stored_dtype="bfloat16")
    assert estimate.kv_cache_bytes == (16 * 100 + 8 * 1000) * 2 * 8 * 128 * 2


def test_packed_weights_keep_their_size_when_the_dtype_changes() -> None:
    assert Weights({"float32": 10, "uint8": 100}).bytes_as("float16") == 120
    assert Weights({"float32": 10, "uint8": 100}).bytes_as(None) == 140


def test_sharded_models_share_the_weights_and_copies_do_not() -> None:
    shape = read_shape(LLAMA_8B)
    assert shape is not None
    weights = Weights({"bfloat16": 8_000_000_000})
    data = {"model": {"name": "x"}, "evaluation": {"tasks": "t"}}
    sharded = parse_config(data | {"performance": {"num_gpus": 2, "parallelize": True}}, source="test")
    copied = parse_config(data | {"performance": {"num_gpus": 2}}, source="test")
    assert estimate_memory(sharded, weights, shape, stored_dtype="bfloat16").weights_bytes == 8_000_000_000
    assert estimate_memory(copied, weights, shape, stored_dtype="bfloat16").weights_bytes == 16_000_000_000


def test_what_would_fit_is_named_and_does_fit() -> None:
    shape = read_shape(LLAMA_8B)
    assert shape is not None
    weights = Weights({"bfloat16": 8_000_000_000})

    def judged(batch: int, length: int) -> str | None:
        config = configured({"batch_size": batch}, max_length=length)
        return judge_memory(estimate_memory(config, weights, shape, stored_dtype="bfloat16"), 24 * GIB, spread="")

    assert judged(1, 2048) is None
    warning = judged(64, 2048)
    assert warning is not None
    batch = int(warning.rpartition("batch_size ")[2].split()[0])
    assert judged(batch, 2048) is None
    assert judged(batch + 1, 2048) is not None


def test_weights_that_are_too_big_are_an_error_on_paper_and_a_length_a_warning(tmp_path: Path) -> None:
    write_files(tiny_llama(), tmp_path / "model")
    config = hub_config(tmp_path, str(tmp_path / "model"), evaluation={"batch_size": 4096})
    tight = benchy("check", config, "--gpu-memory", "1GB", cwd=tmp_path)
    assert tight.returncode == 0
    assert "⚠️ tight: 4096 x 256 tokens may take" in tight.stdout
    refused = benchy("check", config, "--gpu-memory", "400MB", cwd=tmp_path)
    assert refused.returncode == 6
    assert "NotEnoughMemory: the weights alone take" in refused.stderr


def test_pickled_weights_are_counted_by_the_size_of_their_files(tmp_path: Path) -> None:
    shards = {f"pytorch_model-0000{number}-of-00002.bin": bytes(1000 * number) for number in (1, 2)}
    index = {"weight_map": dict(zip("ab", shards, strict=True))}
    model = json.loads(tiny_llama()["config.json"]) | {"dtype": None, "torch_dtype": "float32"}
    files = {"config.json": json.dumps(model).encode(), "pytorch_model.bin.index.json": json.dumps(index).encode()}
    write_files(files | shards, tmp_path / "model")
    facts = preflight(load_config(hub_config(tmp_path, str(tmp_path / "model"), dtype="float16")))
    assert facts.memory is not None
    assert (facts.memory.weights_bytes, facts.parameters) == (3000 // 2, None)


@pytest.mark.parametrize(("text", "size"), [("80GB", 80 * GIB), ("1.5 GiB", 1.5 * GIB), ("512m", GIB / 2)])
def test_memory_is_written_as_on_a_label(text: str, size: float) -> None:
    assert parse_memory(text) == size


def test_memory_in_other_words_is_refused() -> None:
    with pytest.raises(ConfigError, match="--gpu-memory"):
        parse_memory("eighty")


def test_the_weights_alone_decide_between_a_warning_and_an_error() -> None:
    shape = read_shape(LLAMA_8B)
    assert shape is not None
    estimate = estimate_memory(configured(), Weights({"bfloat16": 8_000_000_000}), shape, stored_dtype="bfloat16")
    with pytest.raises(NotEnoughMemory, match=r"14\.90 GB a GPU, which has 15\.00 GB") as caught:
        judge_memory(estimate, 15 * GIB, spread=find_backend("vllm").spreading)
    assert "tensor_parallel_size in model.args" in caught.value.hint


def test_the_estimate_is_near_the_measured_peak() -> None:
    """docs/memory.md has the whole table; here one model whose logits weigh most, and one whose activations do."""
    script = """if True:
    from bench.memory import MODELS, compare
    for name in ("GPT-2", "Llama, 1,000 words"):
        estimated, measured = compare(MODELS[name], "float32", 1, 128)
        print(estimated / measured)
    """
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert [abs(float(ratio) - 1) < 0.1 for ratio in done.stdout.split()] == [True] * 2, done.stdout
