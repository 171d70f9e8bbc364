"""Weights that are not whole are refused before they are fetched, of whatever architecture transformers knows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from benchy.checkpoint.layouts import LAYOUTS
from tests.hub.fixtures import loopback_hub
from tests.hub.models import tiny_llama
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]

KIND = "helium"
"""It names its tensors as a Llama does, and is not among the layouts that preflight knows."""
LACKS = "model.layers.1.self_attn.q_proj.weight"
LOOK = """
from benchy.config import parse_config
from benchy.errors import ModelLoadError
from benchy.worker.hf.dry_load import require_whole_weights
for name in ("org/whole", "org/broken"):
    model, evaluation = {"name": name}, {"tasks": [], "device": "cpu"}
    try:
        require_whole_weights(parse_config({"model": model, "evaluation": evaluation}, source="test"))
        print(name, "is whole")
    except ModelLoadError as error:
        print(name, error.message)
"""


def test_an_architecture_that_preflight_does_not_know(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    assert KIND not in LAYOUTS
    files = tiny_llama(model_type=KIND, architectures=["HeliumForCausalLM"], head_dim=8)
    stored = load(files["model.safetensors"]) | {"extra": np.zeros(200_000, np.float32)}
    for name, lacks in (("org/whole", None), ("org/broken", LACKS)):
        kept = {tensor: numbers for tensor, numbers in stored.items() if tensor != lacks}
        loopback_hub.add_repository(name, files | {"model.safetensors": save(kept, metadata={"format": "pt"})})
    environment = os.environ | loopback_hub.environment(tmp_path / "hf")
    done = subprocess.run([sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, check=True)
    whole, broken = done.stdout.splitlines()
    assert whole == "org/whole is whole"
    assert broken.endswith(
        f"lack 1 tensor of HeliumForCausalLM, which transformers would fill with random numbers: {LACKS}"
    )
    assert loopback_hub.content_bytes == 2 * (len(files["config.json"]) + 100_001)
