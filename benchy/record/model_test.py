"""What the model test gives back: parameters, sizes, speed, and what the GPUs did."""

from __future__ import annotations

from typing import Literal, Self

from benchy.frozen import FrozenModel


class GpuUse(FrozenModel):
    """What one GPU did while a step ran, sampled once a second; None is what it does not tell."""

    uuid: str
    """``GPU-...`` as ``nvidia-smi -L`` prints it."""
    samples: int
    """How often it was looked at."""
    utilization_mean: float | None
    """Share of the time in which a kernel ran, from 0 to 1."""
    utilization_peak: float | None
    memory_mean_bytes: int | None
    """Of the whole GPU, as NVML counts it: what CUDA itself takes is in it."""
    memory_peak_bytes: int | None
    power_mean_watts: float | None
    power_peak_watts: float | None
    energy_kwh: float | None
    """By the GPU's own counter; by the sampled power where it has none."""


class ModelTestResult(FrozenModel):
    """The answer to ``model_test``."""

    parameters: int | None
    """Stored parameters, tied ones once; None behind an API."""
    size_bytes: int | None
    """Of the parameters as loaded."""
    bytes_by_dtype: dict[str, int]
    dtype: str | None
    """The one that most bytes have."""
    device: str | None
    load_seconds: float
    generation_seconds: float
    prompt: str
    generated: str
    """The prompt and what the model said after it."""
    tokens: int
    """Tokens that the model said."""
    peak_memory_bytes: int
    """``peak_memory_of`` says of what."""
    peak_memory_of: Literal["gpu", "process"]
    gpu_use: tuple[GpuUse, ...] | None = None
    """Of each GPU during this step; None where the model is on none."""
    warnings: tuple[str, ...] = ()
    """What was odd while it was loaded and when it spoke, and no reason to refuse it."""

    def with_gpu_use(self, use: tuple[GpuUse, ...] | None) -> Self:
        """Return it with what the GPUs did meanwhile."""
        return self._with(gpu_use=use)

    @property
    def size_gb(self) -> float | None:
        """Size in GB of 1024^3 bytes."""
        return None if self.size_bytes is None else self.size_bytes / 1024**3

    @property
    def tokens_per_second(self) -> float:
        """Of the generation, prompt included in the time and not in the tokens."""
        return self.tokens / self.generation_seconds if self.generation_seconds else 0.0
