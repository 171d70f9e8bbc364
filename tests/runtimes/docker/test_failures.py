"""What real hosts said, and what it is called here. The threads are of github.com."""

from __future__ import annotations

import pytest

from benchy.errors import BenchyError, ContainerRefused, DiskFull, GpuNotFound, NoGpuSupport
from benchy.runtimes.docker.failures import name_failed_look, name_words

TASK = "failed to create task for container: failed to create shim task: OCI runtime create failed: "
RUNC = f"{TASK}runc create failed: unable to start container process: error during container init: "
LEGACY = f"{RUNC}error running prestart hook #0: exit status 1, stdout: , stderr: Auto-detected mode as 'legacy'\n"
ENGINE_20 = (
    "OCI runtime create failed: container_linux.go:380: starting container process caused: process_linux.go:545:"
    " container init caused: Running hook #0:: error running hook: exit status 1, stdout: , stderr: "
)
MODIFYING = f"{TASK}could not apply required modification to OCI specification: error modifying OCI spec: "
NO_FILE = "cannot open shared object file: no such file or directory"
TOO_NEW = "please update your driver to a newer version, or use an earlier cuda container"
INVOKING = (
    "invoking the NVIDIA Container Runtime Hook directly (e.g. specifying the docker --gpus flag) is not supported."
    " Please use the NVIDIA Container Runtime (e.g. specify the --runtime=nvidia flag) instead."
)


@pytest.mark.parametrize(
    ("said", "kind", "reason", "hint"),
    [
        pytest.param(
            f"{ENGINE_20}nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown",
            NoGpuSupport,
            "nvidia-container-cli: initialization error: nvml error: driver not loaded",
            "`nvidia-smi` must work on the host",
            id="NVIDIA/nvidia-container-toolkit#260",
        ),
        pytest.param(
            f"{LEGACY}nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: {NO_FILE}:"
            " unknown",
            NoGpuSupport,
            f"nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: {NO_FILE}",
            "install NVIDIA's driver, 580 or newer",
            id="NVIDIA/nvidia-container-toolkit#305",
        ),
        pytest.param(
            f"{LEGACY}nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, {TOO_NEW}: unknown",
            NoGpuSupport,
            f"nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, {TOO_NEW}",
            "update NVIDIA's driver on the host to 580 or newer",
            id="SyneRBI/PETRIC2#27",
        ),
        pytest.param(
            f"{LEGACY}nvidia-container-cli: initialization error: nvml error: driver/library version mismatch: unknown",
            NoGpuSupport,
            "nvidia-container-cli: initialization error: nvml error: driver/library version mismatch",
            "reboot the host",
            id="NVIDIA/k8s-device-plugin#1431",
        ),
        pytest.param(
            f"{LEGACY}nvidia-container-cli: device error: 2: unknown device: unknown",
            GpuNotFound,
            "nvidia-container-cli: device error: 2: unknown device",
            "`nvidia-smi -L`",
            id="NVIDIA/nvidia-container-toolkit#632",
        ),
        pytest.param(
            f"{LEGACY}nvidia-container-cli: ldcache error: process /sbin/ldconfig terminated with signal 9",
            NoGpuSupport,
            "nvidia-container-cli: ldcache error: process /sbin/ldconfig terminated with signal 9",
            "update NVIDIA's container toolkit",
            id="NVIDIA/nvidia-container-toolkit#1246",
        ),
        pytest.param(
            f"{RUNC}error running prestart hook #0: exit status 1, stdout: , stderr: Using requested mode 'cdi'\n"
            f"{INVOKING}: unknown",
            NoGpuSupport,
            INVOKING,
            'mode = "auto"',
            id="dstackai/dstack#2306",
        ),
        pytest.param(
            'could not select device driver "" with capabilities: [[gpu]]',
            NoGpuSupport,
            'could not select device driver "" with capabilities: [[gpu]]',
            "nvidia-ctk runtime configure --runtime=docker",
            id="docker/cli#2425",
        ),
        pytest.param(
            "failed to discover GPU vendor from CDI: no known GPU vendor found",
            NoGpuSupport,
            "failed to discover GPU vendor from CDI: no known GPU vendor found",
            "nvidia-ctk runtime configure --runtime=docker",
            id="ShaneIsrael/fireshare#689, which engine 29 says since moby/moby#52048",
        ),
        pytest.param(
            'could not select device driver "cdi" with capabilities: []',
            NoGpuSupport,
            'could not select device driver "cdi" with capabilities: []',
            'Docker has CDI from 28.2 on, from 25 on with "features": {"cdi": true}',
            id="NVIDIA/nvidia-container-toolkit#434",
        ),
        pytest.param(
            f"{MODIFYING}failed to inject CDI devices: unresolvable CDI devices runtime.nvidia.com/gpu=all: unknown",
            NoGpuSupport,
            "failed to inject CDI devices: unresolvable CDI devices runtime.nvidia.com/gpu=all",
            "`nvidia-smi` must work on the host",
            id="NVIDIA/nvidia-container-toolkit#1537",
        ),
        pytest.param(
            "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all",
            NoGpuSupport,
            "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all",
            "nvidia-ctk cdi generate",
            id="no spec: moby/moby, daemon/cdi.go",
        ),
        pytest.param(
            "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=6, nvidia.com/gpu=7",
            GpuNotFound,
            "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=6, nvidia.com/gpu=7",
            "nvidia-ctk cdi list",
            id="a spec without these: moby/moby, daemon/cdi.go",
        ),
        pytest.param(
            f'{RUNC}error running createContainer hook #6: exit status 1, stdout: , stderr: level=error msg="failed to'
            " create application profiles directory: mkdirat etc/nvidia/nvidia-application-profiles-rc.d: read-only"
            ' file system"',
            NoGpuSupport,
            'level=error msg="failed to create application profiles directory: mkdirat'
            ' etc/nvidia/nvidia-application-profiles-rc.d: read-only file system"',
            "update NVIDIA's container toolkit",
            id="NVIDIA/nvidia-container-toolkit#2028",
        ),
        pytest.param(
            f"{TASK}runc create failed: unable to start container process: exec: "
            '"python": executable file not found in $PATH: unknown',
            ContainerRefused,
            'exec: "python": executable file not found in $PATH',
            'section "container"',
            id="not about GPUs",
        ),
        pytest.param(
            "mkdir /var/lib/docker/overlay2/x-init: no space left on device",
            DiskFull,
            "mkdir /var/lib/docker/overlay2/x-init: no space left on device",
            "docker system df",
            id="a full disk",
        ),
    ],
)
def test_what_an_engine_says_gets_a_name_its_reason_and_a_remedy(
    said: str, kind: type[BenchyError], reason: str, hint: str
) -> None:
    error = name_words(said)
    assert type(error) is kind
    assert error.message.endswith(f": {reason}")
    assert error.message.removesuffix(reason) in {
        "the Docker engine gives no GPU: ",
        "the Docker engine knows no such GPU: ",
        "the Docker engine does not start the worker: ",
        "the Docker engine's disk is full: ",
    }
    assert hint in error.hint
    assert error.traceback == said
    assert not error.transient


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        pytest.param(
            "Failed to initialize NVML: Unknown Error\n",
            "no-cgroups = false",
            id="NVIDIA/nvidia-container-toolkit#381, #48, #1227",
        ),
        pytest.param(
            "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.195\n",
            "reboot the host",
            id="NVIDIA/k8s-device-plugin#1431",
        ),
        pytest.param(
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest"
            " NVIDIA driver is installed and running.\n",
            "`nvidia-smi` must work on the host",
            id="NVIDIA/nvidia-docker#988",
        ),
        pytest.param(
            "Failed to initialize NVML: Insufficient Permissions\n",
            "NVreg_DeviceFileMode=0666",
            id="NVIDIA/nvidia-container-toolkit#210",
        ),
        pytest.param(
            "sh: 1: nvidia-smi: not found\n", "install the NVIDIA container toolkit", id="ignored, as by Podman"
        ),
    ],
)
def test_what_nvidia_smi_says_in_a_container_has_a_remedy(said: str, hint: str) -> None:
    error = name_failed_look(said)
    assert error.message == f"the Docker engine took the GPU request but gave no GPU: {' '.join(said.split())}"
    assert hint in error.hint
