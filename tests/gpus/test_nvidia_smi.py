"""What ``nvidia-smi`` tells of the GPUs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from benchy.config import parse_config
from benchy.gpus.nvidia_smi import Gpu, Holder, configured_gpus, parse_gpus, smallest_memory

GPUS = "0, GPU-a, NVIDIA H100, 81559, 81000, 9.0\n1, GPU-b, NVIDIA A10, 23028, [N/A], [N/A]\n"


def test_what_nvidia_smi_prints_is_read() -> None:
    first, second = parse_gpus(GPUS, "GPU-b, 4242, python3, 512\n")
    assert first == Gpu(0, "GPU-a", "NVIDIA H100", 81559, 81000, (), (9, 0))
    assert second == Gpu(1, "GPU-b", "NVIDIA A10", 23028, 0, (Holder("4242", "python3", 512),))


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a driver's tool that shows them."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\nprintf '{GPUS}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("changes", "mib"),
    [
        ({}, 23028),
        ({"gpus": [0]}, 81559),
        ({"gpus": ["GPU-b"]}, 23028),
        ({"gpus": ["nvidia.com/gpu=0"]}, 81559),
        ({"evaluation": {"tasks": "x", "device": "cpu"}}, None),
    ],
)
@pytest.mark.usefixtures("two_gpus")
def test_the_smallest_gpu_that_is_named_must_be_enough(changes: dict[str, Any], mib: int | None) -> None:
    config = parse_config({"model": {"name": "a/b"}, "evaluation": {"tasks": "x"}} | changes, source="test")
    assert smallest_memory(configured_gpus(config)) == (mib and mib * 1024**2)


def test_where_there_is_no_driver_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    config = parse_config({"model": {"name": "a/b"}, "evaluation": {"tasks": "x"}}, source="test")
    assert configured_gpus(config) == ()
