"""What is said where torch or the driver's tool finds no GPU. The threads are of github.com."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchy.config import parse_config
from benchy.errors import GpuNotFound
from benchy.gpus.failures import what_to_do
from benchy.worker.machine.devices import require_devices, require_pinned_gpus

UNEXPECTED = (
    "Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() that"
    " might have already set an error? "
)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        pytest.param(
            "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver by"
            " downloading and installing a new version from the URL: http://www.nvidia.com/Download/index.aspx",
            "update NVIDIA's driver on the host to 580 or newer",
            id="lllyasviel/Fooocus#1313",
        ),
        pytest.param(
            f"{UNEXPECTED}Error 802: system not yet initialized",
            "systemctl start nvidia-fabricmanager",
            id="pytorch/pytorch#35710",
        ),
        pytest.param(
            f"{UNEXPECTED}Error 803: system has unsupported display driver / cuda driver combination",
            "reboot the host",
            id="NVIDIA/nvidia-docker#1445",
        ),
        pytest.param(
            f"{UNEXPECTED}Error 804: forward compatibility was attempted on non supported HW",
            "update NVIDIA's driver on the host to 580 or newer",
            id="pytorch/pytorch#40671",
        ),
        pytest.param(
            "CUDA unknown error - this may be due to an incorrectly set up environment, e.g. changing env variable"
            " CUDA_VISIBLE_DEVICES after program start. Setting the available devices to be zero.",
            "update NVIDIA's container toolkit",
            id="NVIDIA/nvidia-container-toolkit#1743, #1934, #1967",
        ),
        pytest.param(
            "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver"
            " from http://www.nvidia.com/Download/index.aspx",
            "`nvidia-smi` must work on the host",
            id="torch, c10/cuda/CUDAFunctions.cpp",
        ),
        pytest.param("No CUDA GPUs are available", "", id="CUDA_VISIBLE_DEVICES is empty"),
    ],
)
def test_what_torch_says_has_a_remedy(said: str, hint: str) -> None:
    assert hint in what_to_do(said)
    assert bool(what_to_do(said)) is bool(hint)


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({}, 'evaluation.device: "cuda"'),
        ({"gpus": [2, "GPU-a"]}, "gpus: [2, GPU-a]"),
        ({"performance": {"num_gpus": 2}}, "performance.num_gpus: 2"),
        ({"performance": {"replicas": 2}}, "performance.replicas: 2"),
    ],
)
def test_where_torch_finds_no_gpu_its_own_reason_is_given(more: dict[str, object], asked: str) -> None:
    settings = {"model": {"name": "a/b"}, "evaluation": {"tasks": "x", "device": "cuda"}} | more
    with pytest.raises(GpuNotFound, match=r"finds no CUDA device here: \S+") as failed:
        require_devices(parse_config(settings, source="test"))
    assert f"asks for a GPU ({asked})" in failed.value.message
    if "Torch not compiled with CUDA enabled" in failed.value.message:  # else a CUDA build of torch, without a GPU
        assert "install a CUDA build of torch" in failed.value.hint


def test_a_driver_that_fails_in_the_worker_is_said_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Failed to initialize NVML: Insufficient Permissions'\nexit 255\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("BENCHY_GPUS", "GPU-a")
    with pytest.raises(GpuNotFound, match="GPU-a but got no GPU: Failed to initialize NVML: Insufficient") as failed:
        require_pinned_gpus()
    assert "NVreg_DeviceFileMode=0666" in failed.value.hint
