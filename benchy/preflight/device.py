"""What a device cannot compute, found before the model is loaded.

A CPU computes every type that a config may name (float16 too, slowly); GPUs differ by their compute capability.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchy.backends import find_backend
from benchy.checkpoint.config_file import ConfigFile
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError
from benchy.gpus.nvidia_smi import Gpu

BFLOAT16_NEEDS = (8, 0)
FP8_NEEDS = (8, 9)
"""Compute capabilities: https://docs.nvidia.com/cuda/cuda-c-programming-guide/#features-and-technical-specifications."""


_DEVICE = re.compile(r"(cpu|mps)(:0)?|(cuda|npu|xpu|hpu)(:[0-9]{1,3})?")
"""lm-eval 0.4.13 takes these (`HFLM.__init__`); any other name runs, without a word, on the first GPU or on the CPU.

``cpu:0`` is torch's alone: the worker says ``cpu`` to lm-eval.
"""


def check_device(config: BenchmarkConfig) -> None:
    """Check the name of the device.

    Raises:
        ConfigError: lm-eval would compute on another one.
    """
    device = config.evaluation.device
    if _DEVICE.fullmatch(device) or config.performance.use_accelerate:
        return
    raise ConfigError(f'evaluation.device: there is no device "{device}"', hint="set it to cuda, cuda:N, cpu or mps")


def check_dtype(config: BenchmarkConfig, model: ConfigFile, gpus: Sequence[Gpu]) -> str | None:
    """Check the types that are computed with against the weakest of the GPUs.

    Args:
        config: what is asked for.
        model: what the model's config.json says.
        gpus: those of this host that are used; none if nothing is known of them.

    Returns:
        A warning if it works, but slowly or with more memory.

    Raises:
        ConfigError: it cannot work.
    """
    asked = config.model.dtype
    dtype = asked if asked not in {None, "auto"} else model.stored_dtype
    if dtype == "float64" and config.evaluation.device.startswith("mps"):
        raise ConfigError("model.dtype float64 does not exist on mps", hint="set model.dtype: float32")
    known = [(gpu.compute_capability, gpu) for gpu in gpus if gpu.compute_capability is not None]
    if not known:
        return None
    able, weakest = min(known, key=lambda pair: pair[0])
    here = f"GPU {weakest.index} has compute capability {able[0]}.{able[1]}"
    if able < FP8_NEEDS:
        _refuse_fp8(config, here)
        if model.is_fp8:
            return f"{here}, and fp8 needs 8.9: the weights are expanded to bfloat16, and take twice the memory"
    if able < BFLOAT16_NEEDS and dtype == "bfloat16":
        _refuse_emulation(config, here)
        return f"{here}, and bfloat16 needs 8.0: it is emulated, and slow; model.dtype float16 is native"
    return None


def _refuse_fp8(config: BenchmarkConfig, here: str) -> None:
    if config.performance.use_accelerate and config.performance.mixed_precision == "fp8":
        raise ConfigError(
            f"performance.mixed_precision is fp8, which needs 8.9, but {here}",
            hint="set it to fp16, or take other GPUs",
        )


def _refuse_emulation(config: BenchmarkConfig, here: str) -> None:
    if not find_backend(config.model.backend).emulates_bfloat16:
        raise ConfigError(
            f"{config.model.backend} computes bfloat16 from 8.0 on, but {here}",
            hint="set model.dtype: float16, or take other GPUs",
        )
