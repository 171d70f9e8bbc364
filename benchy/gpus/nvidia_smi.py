"""The GPUs of a machine, as ``nvidia-smi`` shows them; torch is not asked."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from benchy.config import BenchmarkConfig
from benchy.errors import GpuNotFound

_FORMAT = "--format=csv,noheader,nounits"
QUERY_GPUS = ("nvidia-smi", "--query-gpu=index,uuid,name,memory.total,memory.free,compute_cap", _FORMAT)
"""The command that prints the table which :func:`parse_gpus` reads."""
QUERY_HOLDERS = ("nvidia-smi", "--query-compute-apps=gpu_uuid,pid,process_name,used_memory", _FORMAT)
"""The command that prints which processes hold memory of which GPU."""


@dataclass(frozen=True)
class Holder:
    """A program that holds memory of a GPU."""

    pid: str
    name: str
    mib: int


@dataclass(frozen=True)
class Gpu:
    """One GPU of this machine."""

    index: int
    uuid: str
    name: str
    total_mib: int
    free_mib: int
    holders: tuple[Holder, ...] = ()
    compute_capability: tuple[int, int] | None = None
    """What its kind can do, (8, 0) for an A100 (https://developer.nvidia.com/cuda-gpus); None if not told."""

    def is_called(self, name: int | str) -> bool:
        """Whether that is its index, its UUID or its CDI device name (``nvidia.com/gpu=0``)."""
        return str(name).rpartition("=")[2] in {str(self.index), self.uuid}


def parse_gpus(gpus: str, holders: str = "") -> tuple[Gpu, ...]:
    """Return the GPUs in what :data:`QUERY_GPUS` and :data:`QUERY_HOLDERS` print."""
    by_uuid: dict[str, list[Holder]] = {}
    for uuid, pid, name, used in _rows(holders):
        by_uuid.setdefault(uuid, []).append(Holder(pid, name, _number(used)))
    return tuple(
        Gpu(int(index), uuid, name, _number(total), _number(free), tuple(by_uuid.get(uuid, ())), _version(capability))
        for index, uuid, name, total, free, capability in _rows(gpus)
    )


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split(",")] for line in table.splitlines() if "," in line]


def _number(text: str) -> int:
    """nvidia-smi writes ``[N/A]`` for what a driver does not tell."""
    return int(text) if text.isdigit() else 0


def _version(text: str) -> tuple[int, int] | None:
    major, dot, minor = text.partition(".")
    return (int(major), int(minor)) if dot and major.isdigit() and minor.isdigit() else None


def find_gpu(name: int | str, gpus: Sequence[Gpu]) -> Gpu:
    """Return the GPU of that index, UUID or CDI device name.

    Raises:
        GpuNotFound: there is none.
    """
    for gpu in gpus:
        if gpu.is_called(name):
            return gpu
    indices = ", ".join(str(gpu.index) for gpu in gpus)
    raise GpuNotFound(f"GPU {name} not found; this host has {indices or 'none'}", hint='fix "gpus" in the config')


def gpus_here() -> tuple[Gpu, ...]:
    """Those that this process may use.

    Raises:
        OSError, subprocess.SubprocessError: the driver does not tell.
    """
    return parse_gpus(subprocess.run(QUERY_GPUS, capture_output=True, text=True, check=True, timeout=60).stdout)


def configured_gpus(config: BenchmarkConfig) -> tuple[Gpu, ...]:
    """Those of this machine that the config means; none where it asks for none, or nothing is known of them."""
    if not config.uses_gpus or shutil.which("nvidia-smi") is None:
        return ()
    try:
        gpus = gpus_here()
    except (OSError, subprocess.SubprocessError):
        return ()  # the worker says what is wrong with the GPUs
    return tuple(gpu for gpu in gpus if config.gpus is None or any(map(gpu.is_called, config.gpus)))


def smallest_memory(gpus: Sequence[Gpu]) -> int | None:
    """Bytes of the smallest GPU; None where the driver tells of none."""
    return min(filter(None, (gpu.total_mib for gpu in gpus)), default=0) * 1024**2 or None
