"""The devices that the worker sees, and whether they are those that were asked for."""

from __future__ import annotations

import logging
import os
import platform
import subprocess
from pathlib import Path

from benchy.backends import find_backend
from benchy.config import BenchmarkConfig
from benchy.errors import GpuNotFound
from benchy.gpus.failures import what_to_do
from benchy.gpus.nvidia_smi import gpus_here
from benchy.record import Device

logger = logging.getLogger(__name__)


def require_pinned_gpus() -> None:
    """Check that this container was given the GPUs that it was asked for, no other and no more.

    Some engines take the request and ignore it, or hand out all GPUs.

    Raises:
        GpuNotFound: it was given others.
    """
    pinned = os.environ.get("BENCHY_GPUS")
    if pinned is None:
        return
    given, failure = given_gpus()
    wanted = set(pinned.split(","))
    if wanted != set(given):
        got = ", ".join(sorted(given)) or "no GPU"
        raise GpuNotFound(
            f"the container was to get {', '.join(sorted(wanted))} but got {got}{failure and f': {failure}'}",
            hint=what_to_do(failure)
            or "the container engine did not pin the GPUs; Docker with the NVIDIA container toolkit does",
        )
    logger.info("this container has %s", ", ".join(given))


def given_gpus() -> tuple[tuple[str, ...], str]:
    """UUIDs, or why there are none, from the driver's own tool: torch may be told to hide GPUs that are still there."""
    try:
        return tuple(gpu.uuid for gpu in gpus_here()), ""
    except subprocess.CalledProcessError as error:
        failure = error.stdout + error.stderr  # it says on stdout what keeps it from working
    except (OSError, subprocess.SubprocessError) as error:
        failure = str(error)
    logger.warning("nvidia-smi: %s", failure.strip())
    return (), " ".join(failure.split())


def require_devices(config: BenchmarkConfig) -> None:
    """Check, before anything is loaded, that the devices that the config asks for are here.

    lm-eval itself falls back to the CPU in silence.

    Raises:
        GpuNotFound: no CUDA device, or fewer than asked for.
    """
    import torch

    if not find_backend(config.model.backend).loads_weights:
        return
    performance = config.performance
    wanted = len(config.gpus) if config.gpus else performance.num_gpus or performance.replicas or 0
    device = config.evaluation.device
    on_gpu = wanted > 0 if performance.use_accelerate else device.startswith("cuda")
    if not on_gpu:
        return
    asked = _asked(config)
    if not torch.cuda.is_available():
        reason = why_no_cuda()
        raise GpuNotFound(
            f"the config asks for a GPU ({asked}) but torch {torch.__version__} finds no CUDA device here: {reason}",
            hint=f'{what_to_do(reason) or "run on a GPU host"}; or set evaluation.device to "cpu"',
        )
    here = torch.cuda.device_count()
    index = int(device.partition(":")[2] or 0) if not performance.use_accelerate else 0
    if max(wanted, index + 1) > here:
        raise GpuNotFound(f"the config asks for {max(wanted, index + 1)} GPUs ({asked}); the worker sees {here}")


def _asked(config: BenchmarkConfig) -> str:
    """Return what of the config asks for GPUs."""
    performance = config.performance
    if config.gpus:
        return f"gpus: [{', '.join(map(str, config.gpus))}]"
    if performance.num_gpus:
        return f"performance.num_gpus: {performance.num_gpus}"
    if performance.replicas:
        return f"performance.replicas: {performance.replicas}"
    return f'evaluation.device: "{config.evaluation.device}"'


def why_no_cuda() -> str:
    """Torch's own reason, in one line: ``is_available`` at most warns of it."""
    import torch

    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except (AssertionError, RuntimeError) as error:
        return str(error).strip().partition("\n")[0]
    return "it says nothing"


def visible_devices() -> tuple[Device, ...]:
    """Return the GPUs that torch may use here, or else this machine's CPU."""
    import torch

    if torch.cuda.is_available():
        return tuple(_cuda_device(index) for index in range(torch.cuda.device_count()))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (Device(kind="cpu", name=cpu_name(), memory_bytes=memory),)


def _cuda_device(index: int) -> Device:
    import torch

    properties = torch.cuda.get_device_properties(index)
    return Device(
        kind="cuda", name=properties.name, memory_bytes=properties.total_memory, uuid=f"GPU-{properties.uuid}"
    )


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
