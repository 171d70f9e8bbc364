"""An adapter is evaluated upon the base that it names, and one that cannot be is told how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from benchy.checkpoint.adapter import base_folder
from benchy.config import ModelConfig
from benchy.errors import ModelLoadError
from benchy.protocol import Evaluation, ModelTest
from benchy.worker.evaluation.evaluate import evaluation
from benchy.worker.fetch.checkpoint import hash_folder
from benchy.worker.model_test import model_test
from tests.commands import assert_refused, benchy
from tests.hub.commands import benchy_on, hub_config
from tests.hub.fixtures import loopback_hub
from tests.hub.models import tiny_adapter, tiny_llama, write_files
from tests.hub.server import LoopbackHub
from tests.worker.conftest import MakeConfig, make_config, model_folder, prepared_session, task_folder

__all__ = ["loopback_hub", "make_config", "model_folder", "task_folder"]

PEFTS_OWN = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
OF_ADAPTER = 2 * 2 * 2 * 16
"""Its numbers: two layers, two halves of 2 x 16."""


def merged(base: dict[str, bytes], adapter: dict[str, bytes]) -> dict[str, bytes]:
    """Return the model that the two are together, by LoRA's definition: W + alpha / r * B A."""
    weights, added = load(base["model.safetensors"]), load(adapter["adapter_model.safetensors"])
    for layer in range(2):
        name = f"model.layers.{layer}.self_attn.q_proj"
        up, down = (added[f"base_model.model.{name}.lora_{half}.weight"] for half in "BA")
        weights[f"{name}.weight"] = (weights[f"{name}.weight"] + 8 / 2 * up @ down).astype(np.float32)
    return base | {"model.safetensors": save(weights, metadata={"format": "pt"})}


@PEFTS_OWN
def test_an_adapter_in_a_folder_scores_as_the_merged_model(tmp_path: Path, make_config: MakeConfig) -> None:
    base = write_files(tiny_llama(), tmp_path / "base")
    files = tiny_adapter(str(base))
    adapter, whole = (
        write_files(files, tmp_path / "adapter"),
        write_files(merged(tiny_llama(), files), tmp_path / "whole"),
    )
    results = []
    for folder in (adapter, whole):
        args = {"pretrained": str(base)} if folder == adapter else {}  # as the host sends it
        model = {"name": str(folder), "args": args}
        session = prepared_session(make_config("tiny_choice", num_fewshot=0, model=model))
        tested = model_test(session, ModelTest())
        (benchmark,) = evaluation(session, Evaluation(run_folder=str(tmp_path / f"run {folder.name}"))).benchmarks
        results.append((tested.generated, [(metric.name, metric.value) for metric in benchmark.metrics]))
        if folder == adapter:
            assert session.identity is not None
            assert session.identity.parts == {"base": hash_folder(base, ModelConfig(name=str(base)))}
    assert results[0] == results[1]
    assert base_folder(str(adapter)) == base
    assert base_folder(str(whole)) is None

    checked = benchy("check", hub_config(tmp_path, str(adapter)), cwd=tmp_path)
    assert f"Adapter of {base}" in checked.stdout
    of_base = sum(tensor.size for tensor in load(tiny_llama()["model.safetensors"]).values())
    assert f"Parameters: {of_base + OF_ADAPTER:,}" in checked.stdout


def test_an_adapter_on_the_hub_takes_its_base_from_there(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    base = loopback_hub.add_repository("org/tiny", tiny_llama())
    pinned = base.head
    base.commit(tiny_llama(seed=3))
    adapter = loopback_hub.add_repository("org/adapter", tiny_adapter("org/tiny", revision=pinned))
    done = benchy_on(loopback_hub, tmp_path, "test", "--model_name", "org/adapter", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    of_base = sum(tensor.size for tensor in load(tiny_llama()["model.safetensors"]).values())
    assert f"Parameters: {of_base + OF_ADAPTER:,}" in done.stdout
    cache = tmp_path / "hf" / "hub"
    assert [path.name for path in (cache / "models--org--tiny" / "snapshots").iterdir()] == [pinned]
    assert [path.name for path in (cache / "models--org--adapter" / "snapshots").iterdir()] == [adapter.head]
    checked = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path, "org/adapter"))
    assert {f"Commit: {adapter.head}", f"Adapter of org/tiny@{pinned}"} <= {
        line.strip() for line in checked.stdout.splitlines()
    }


@pytest.mark.parametrize(
    ("base", "model", "said"),
    [
        pytest.param(None, {}, ("names no base", "set model.name to its base, and model.args to {peft: "), id="none"),
        pytest.param("/no/folder", {}, ('its base "/no/folder" is no folder here', "set model.name to /no"), id="lost"),
        pytest.param("org/tiny", {"backend": "vllm"}, ("vllm does not take", "{lora_local_path: "), id="vllm"),
    ],
)
def test_an_adapter_that_cannot_be_taken_is_told_how(
    tmp_path: Path, base: str | None, model: dict[str, Any], said: tuple[str, ...]
) -> None:
    folder = write_files(tiny_adapter("", base_model_name_or_path=base), tmp_path / "adapter")
    done = benchy("check", hub_config(tmp_path, str(folder), **model), cwd=tmp_path)
    assert_refused(done, 2, "ConfigError", f"{folder} is an adapter", *said)


@PEFTS_OWN
def test_an_adapter_of_another_model_is_refused(tmp_path: Path, make_config: MakeConfig) -> None:
    base = write_files(tiny_llama(), tmp_path / "base")
    adapter = write_files(tiny_adapter(str(base), module="k_proj"), tmp_path / "adapter")
    model = {"name": str(adapter), "args": {"pretrained": str(base)}}
    session = prepared_session(make_config("tiny_choice", model=model))
    with pytest.raises(ModelLoadError, match="Found missing adapter keys"):
        model_test(session, ModelTest())
