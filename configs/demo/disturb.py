"""Writes a copy of the demo's model whose weights are disturbed a little: a model that got worse.

python configs/demo/disturb.py configs/demo/model worse --by 0.2
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

SEED = 1


def disturb(model: Path, target: Path, by: float) -> None:
    """Copy a model's folder, and add to each tensor noise of ``by`` times its own standard deviation."""
    shutil.copytree(model, target)
    generator = torch.Generator().manual_seed(SEED)
    path = target / "model.safetensors"
    tensors = load_file(path)
    disturbed = {
        name: tensor + by * tensor.std() * torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
        for name, tensor in sorted(tensors.items())
        if tensor.numel() > 1
    }
    save_file(tensors | disturbed, path, metadata={"format": "pt"})


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--by", type=float, default=0.2, help="times each tensor's standard deviation")
    chosen = parser.parse_args()
    disturb(chosen.model, chosen.target, chosen.by)


if __name__ == "__main__":
    main()
