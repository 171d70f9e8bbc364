"""The GPUs of a machine, as ``nvidia-smi`` shows them; torch is not asked."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from benchy.config import BenchmarkConfig
from benchy.errors import GpuNotFound

_FORMAT = "--format=csv,noheader,nounits"
QUERY_GPUS = ("nvidia-smi", "--query-gpu=index,uuid,name,memory.total,memory.free", _FORMAT)
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

    def is_called(self, name: int | str) -> bool:
        """Whether that is its index, its UUID or its CDI device name (``nvidia.com/gpu=0``)."""
        return str(name).rpartition("=")[2] in {str(self.index), self.uuid}


def parse_gpus(gpus: str, holders: str = "") -> tuple[Gpu, ...]:
    """The GPUs in what :data:`QUERY_GPUS` and :data:`QUERY_HOLDERS` print."""
    by_uuid: dict[str, list[Holder]] = {}
    for uuid, pid, name, used in _rows(holders):
        by_uuid.setdefault(uuid, []).append(Holder(pid, name, _number(used)))
    return tuple(
        Gpu(int(index), uuid, name, _number(total), _number(free), tuple(by_uuid.get(uuid, ())))
        for index, uuid, name, total, free in _rows(gpus)
    )


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split(",")] for line in table.splitlines() if "," in line]


def _number(text: str) -> int:
    """nvidia-smi writes ``[N/A]`` for what a driver does not tell."""
    return int(text) if text.isdigit() else 0


def find_gpu(name: int | str, gpus: Sequence[Gpu]) -> Gpu:
    """The GPU of that index, UUID or CDI device name.

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


def gpu_memory_bytes(config: BenchmarkConfig) -> int | None:
    """Of the smallest GPU that the config names; None without GPUs here, or where the config asks for none."""
    if not config.uses_gpus:
        return None
    if shutil.which("nvidia-smi") is None:
        return None
    try:
        gpus = gpus_here()
    except (OSError, subprocess.SubprocessError):
        return None  # the worker says what is wrong with the GPUs
    sizes = [gpu.total_mib for gpu in gpus if config.gpus is None or any(map(gpu.is_called, config.gpus))]
    return min(filter(None, sizes), default=0) * 1024**2 or None
