"""Writes the demo's model anew with wider heads, for vLLM: its attention on CPUs takes no head of 16 numbers.

The model stays the same. Of the numbers of a head, every second one is new and 0. The rotations that it learned are
there among those of a head twice as wide, at twice the index. Its scores are divided by the root of the width, and so
multiplied by that of two.

    python configs/demo/widen.py configs/demo/model configs/demo/wide-model
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

TIMES = 2


def widen(source: Path, target: Path) -> None:
    """Write the model of one folder into another."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    config: dict[str, Any] = json.loads((source / "config.json").read_text(encoding="utf-8"))
    heads, width = config["num_attention_heads"], config["head_dim"]
    config["head_dim"] = width * TIMES
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    tensors = load_file(source / "model.safetensors")
    wide = {name: _wide(name, tensor, heads, width).contiguous() for name, tensor in tensors.items()}
    save_file(wide, target / "model.safetensors", metadata={"format": "pt"})


def _wide(name: str, tensor: torch.Tensor, heads: int, width: int) -> torch.Tensor:
    if name.endswith("o_proj.weight"):
        return _spread(tensor.T, heads, width).T
    if name.endswith(("q_proj.weight", "k_proj.weight", "v_proj.weight")):
        scale = math.sqrt(TIMES) if "q_proj" in name else 1.0
        return _spread(tensor, heads, width) * scale
    return tensor


def _spread(rows: torch.Tensor, heads: int, width: int) -> torch.Tensor:
    """Put each head's rows at every second place, with rows of zeros between them."""
    wide = torch.zeros(heads, width * TIMES, rows.shape[1], dtype=rows.dtype)
    wide[:, ::TIMES] = rows.reshape(heads, width, rows.shape[1])
    return wide.reshape(-1, rows.shape[1])


if __name__ == "__main__":
    widen(Path(sys.argv[1]), Path(sys.argv[2]))
