"""Samples what the GPUs do, hold and draw while a step runs, once a second, through NVML."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, Self

from benchy.backends import find_backend
from benchy.config import BenchmarkConfig
from benchy.record import GpuUse
from benchy.worker.machine.devices import visible_devices

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_SAMPLES = 1.0
JOULES_A_KWH = 3.6e6


@dataclass(frozen=True)
class Sample:
    """One look at one GPU; None is what it does not tell (a MIG slice has no utilization of its own)."""

    at: float
    """Seconds of the monotonic clock."""
    utilization: float | None = None
    """Share of the last moments in which a kernel ran, from 0 to 1."""
    memory_bytes: int | None = None
    power_watts: float | None = None
    energy_joules: float | None = None
    """A counter that began when the driver was loaded; GPUs before Volta have none."""


class Gpu(Protocol):
    """A GPU that can be looked at."""

    @property
    def uuid(self) -> str:
        """``GPU-...`` as ``nvidia-smi -L`` prints it."""
        ...

    def look(self) -> Sample:
        """How it is now. Raises OSError when it cannot be asked any more."""
        ...


class GpuWatch:
    """Looks at GPUs from the beginning of a ``with`` block to its end."""

    def __init__(self, gpus: Sequence[Gpu], *, seconds: float = SECONDS_BETWEEN_SAMPLES) -> None:
        self._samples: dict[str, list[Sample]] = {gpu.uuid: [] for gpu in gpus}
        self._gpus = list(gpus)
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="GPU use", daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    @property
    def use(self) -> tuple[GpuUse, ...] | None:
        """Of each GPU, once the block has ended; None where there is none."""
        return tuple(summarize(uuid, samples) for uuid, samples in self._samples.items() if samples) or None

    def _run(self) -> None:
        while self._gpus and not self._ended.wait(self._seconds):
            self._look()

    def _look(self) -> None:
        for gpu in list(self._gpus):
            try:
                self._samples[gpu.uuid].append(gpu.look())
            except OSError as error:  # what is measured beside a run must not end it
                self._gpus.remove(gpu)
                logger.warning("%s: its use is not recorded any more: %s", gpu.uuid, error)


def summarize(uuid: str, samples: Sequence[Sample]) -> GpuUse:
    """Mean, peak and energy. The energy is the counter's, or else the power's integral by the trapezoidal rule."""
    utilization = _known(sample.utilization for sample in samples)
    memory = _known(sample.memory_bytes for sample in samples)
    power = _known(sample.power_watts for sample in samples)
    joules = _counted(samples) if samples[-1].energy_joules is not None else _integrated(samples)
    return GpuUse(
        uuid=uuid,
        samples=len(samples),
        utilization_mean=_mean(utilization),
        utilization_peak=max(utilization, default=None),
        memory_mean_bytes=None if not memory else round(sum(memory) / len(memory)),
        memory_peak_bytes=max(memory, default=None),
        power_mean_watts=_mean(power),
        power_peak_watts=max(power, default=None),
        energy_kwh=None if joules is None else joules / JOULES_A_KWH,
    )


def _known(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _counted(samples: Sequence[Sample]) -> float | None:
    first, last = samples[0].energy_joules, samples[-1].energy_joules
    return None if first is None or last is None or last < first else last - first


def _integrated(samples: Sequence[Sample]) -> float | None:
    points = [(sample.at, sample.power_watts) for sample in samples if sample.power_watts is not None]
    pairs = itertools.pairwise(points)
    return sum((end - start) * (before + after) / 2 for (start, before), (end, after) in pairs) if points else None


def watch_gpus(config: BenchmarkConfig | None) -> GpuWatch:
    """Return the GPUs that this worker's model is on; none for a model on the CPU or behind an API."""
    return GpuWatch(
        _find_gpus() if config and config.uses_gpus and find_backend(config.model.backend).loads_weights else []
    )


def _find_gpus() -> list[_NvmlGpu]:
    import pynvml

    uuids = [device.uuid for device in visible_devices() if device.uuid]
    if not uuids:
        return []
    try:
        pynvml.nvmlInit()
        return [_NvmlGpu(uuid, pynvml.nvmlDeviceGetHandleByUUID(uuid)) for uuid in uuids]
    except pynvml.NVMLError as error:
        logger.warning("the GPUs' use is not recorded: %s", error)
        return []


@dataclass(frozen=True)
class _NvmlGpu:
    """Asked through NVIDIA's management library: docs.nvidia.com/deploy/nvml-api."""

    uuid: str
    handle: Any

    def look(self) -> Sample:
        import pynvml

        try:
            utilization = self._ask(pynvml.nvmlDeviceGetUtilizationRates)
            memory = self._ask(pynvml.nvmlDeviceGetMemoryInfo)
            milliwatts = self._ask(pynvml.nvmlDeviceGetPowerUsage)
            millijoules = self._ask(pynvml.nvmlDeviceGetTotalEnergyConsumption)
        except pynvml.NVMLError as error:
            raise OSError(str(error)) from error
        return Sample(
            at=time.monotonic(),
            utilization=None if utilization is None else utilization.gpu / 100,
            memory_bytes=None if memory is None else int(memory.used),
            power_watts=None if milliwatts is None else milliwatts / 1000,
            energy_joules=None if millijoules is None else millijoules / 1000,
        )

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        """NVML's answer; None for what this GPU or this user does not get to know."""
        import pynvml

        with suppress(pynvml.NVMLError_NotSupported, pynvml.NVMLError_NoPermission):
            return question(self.handle)
        return None
