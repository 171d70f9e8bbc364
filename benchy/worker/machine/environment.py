"""What machine and which versions the worker runs on."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform

from benchy.record import Environment
from benchy.worker.machine.devices import cpu_name, given_gpus, visible_devices

logger = logging.getLogger(__name__)

PACKAGES = (
    "benchy", "lm_eval", "torch", "transformers", "tokenizers", "accelerate", "datasets", "evaluate", "numpy",
    "safetensors", "huggingface_hub", "sacrebleu", "scikit-learn", "vllm",
)  # fmt: skip


def describe_environment() -> Environment:
    """Describe this process's machine and versions."""
    return Environment(
        packages=_versions(),
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=cpu_name(),
        cpu_count=os.cpu_count() or 1,
        devices=visible_devices(),
        image=os.environ.get("BENCHY_IMAGE"),
        pinned_gpus=given_gpus()[0] if "BENCHY_GPUS" in os.environ else (),
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
