"""Which GPUs a run gets: a GPU belongs to one run at a time, also between processes.

A GPU is busy as long as a container labelled with it runs, so a lease cannot leak. The lock file guards only the moment
between looking and starting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

from benchy.errors import GpuBusy, GpuNotFound
from benchy.gpus.nvidia_smi import Gpu, find_gpu
from benchy.runtimes.base import MustWait, Say

SECONDS_BETWEEN_LOOKS = 1.0
UNNAMED_MIB = 2048
"""Of used memory that no process is named for: less is the driver's, or a desktop's."""

StartedT = TypeVar("StartedT")


@dataclass(frozen=True)
class Taken:
    """GPUs that other runs have."""

    by_run: Mapping[str, str]
    """UUID to the run's name."""


def start_on_free_gpus(
    wanted: tuple[int | str, ...] | int,
    start: Callable[[tuple[Gpu, ...]], StartedT],
    *,
    look: Callable[[], tuple[Gpu, ...]],
    leased: Callable[[], Mapping[str, str]],
    say: Say,
    wait: bool = True,
    lock: Callable[[], AbstractContextManager[None]],
) -> StartedT:
    """Start a container on GPUs that no other run has; wait until there are such.

    Args:
        wanted: the names of GPUs, or how many.
        start: starts a container that is labelled with these GPUs.
        look: the GPUs of this machine, now.
        leased: the GPUs that other runs have: UUID to the run's name.
        say: gets a line when it has to wait.
        wait: until there are free ones.
        lock: makes a context that one process of this machine is in at a time.

    Raises:
        MustWait: other runs have them, and ``wait`` is false.
        GpuNotFound: this machine has no such GPU, or fewer.
        GpuBusy: something that is not a run holds the memory of one.
    """
    told: object = None
    while True:
        with lock():
            taken = leased()
            gpus = choose_gpus(wanted, look(), taken)
            if not isinstance(gpus, Taken):
                return start(gpus)
        if not wait:
            raise MustWait
        if told != gpus:
            say([f"waiting for {_names(gpus.by_run)}"])
            told = gpus
        while leased() == taken:
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _names(by_run: Mapping[str, str]) -> str:
    return ", ".join(f"{uuid}, which run {run} has" for uuid, run in by_run.items())


def choose_gpus(
    wanted: tuple[int | str, ...] | int, gpus: Sequence[Gpu], leased: Mapping[str, str]
) -> tuple[Gpu, ...] | Taken:
    """Return the GPUs for a run; or those that other runs have, if it must wait for them.

    Raises:
        GpuNotFound: there is no such GPU, or there are fewer.
        GpuBusy: something that is not a run holds the memory of one.
    """
    if isinstance(wanted, int):
        return _most_free(wanted, gpus, leased)
    chosen = tuple(find_gpu(name, gpus) for name in wanted)
    if busy := {gpu.uuid: leased[gpu.uuid] for gpu in chosen if gpu.uuid in leased}:
        return Taken(busy)
    for gpu in chosen:
        _require_free_memory(gpu)
    return chosen


def _most_free(count: int, gpus: Sequence[Gpu], leased: Mapping[str, str]) -> tuple[Gpu, ...] | Taken:
    if count > len(gpus):
        raise GpuNotFound(f"the config asks for {count} GPUs; this host has {len(gpus)}")
    own = [gpu for gpu in gpus if gpu.uuid not in leased]
    free = sorted((gpu for gpu in own if not _held_by(gpu)), key=lambda gpu: -gpu.free_mib)
    if len(free) >= count:
        return tuple(sorted(free[:count], key=lambda gpu: gpu.index))
    if len(own) >= count:
        _require_free_memory(next(gpu for gpu in own if _held_by(gpu)))
    return Taken({uuid: run for uuid, run in leased.items() if uuid in {gpu.uuid for gpu in gpus}})


def _require_free_memory(gpu: Gpu) -> None:
    if held_by := _held_by(gpu):
        raise GpuBusy(f"the memory of GPU {gpu.index} ({gpu.uuid}) is held by {held_by}")


def _held_by(gpu: Gpu) -> str:
    """In words; empty if nothing does."""
    if gpu.holders:
        return ", ".join(f"process {h.pid} ({h.name}, {h.mib:,} MiB)" for h in gpu.holders)
    used = gpu.total_mib - gpu.free_mib
    return f"a program that nvidia-smi does not name ({used:,} MiB)" if used > UNNAMED_MIB else ""
