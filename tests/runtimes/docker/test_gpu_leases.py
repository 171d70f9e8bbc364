"""Which GPUs a run gets."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchy.config import parse_config
from benchy.errors import GpuBusy, GpuNotFound
from benchy.gpus.nvidia_smi import Gpu, Holder
from benchy.runtimes.base import MustWait
from benchy.runtimes.docker.gpu_leases import Taken, choose_gpus, start_on_free_gpus
from benchy.runtimes.docker.host_lock import host_lock
from benchy.runtimes.launch import launch_of

FREE = Gpu(0, "GPU-a", "H100", 80_000, 79_000)
FREER = Gpu(1, "GPU-b", "H100", 80_000, 79_500)
FREEST = Gpu(2, "GPU-c", "H100", 80_000, 79_900)
THREE = (FREE, FREER, FREEST)
HELD = Gpu(1, "GPU-b", "H100", 80_000, 20_000, (Holder("4242", "python", 60_000),))


@pytest.mark.parametrize(
    ("sections", "wanted"),
    [
        ({"gpus": [0, "GPU-b"]}, (0, "GPU-b")),
        ({"performance": {"num_gpus": 2}}, 2),
        ({"performance": {"use_accelerate": True}}, 1),
        ({"performance": {"use_accelerate": True, "num_gpus": 3}}, 3),
        ({"performance": {"replicas": 3}}, 3),
        ({"performance": {"replicas": 2}, "evaluation": {"tasks": "x", "device": "cpu"}}, 0),
        ({}, 1),
        ({"evaluation": {"tasks": "x", "device": "cuda:1"}}, 2),
        ({"evaluation": {"tasks": "x", "device": "cpu"}}, 0),
        ({"model": {"name": "gpt", "backend": "local-completions"}}, 0),
    ],
)
def test_a_config_says_which_gpus_or_how_many(sections: dict[str, Any], wanted: object) -> None:
    config = parse_config({"model": {"name": "a/b"}, "evaluation": {"tasks": "x"}} | sections, source="test")
    assert launch_of(config, Path("run"), role="model").gpus == wanted


def test_gpus_are_named_by_index_uuid_or_cdi_name() -> None:
    assert choose_gpus((1, "GPU-a"), THREE, {}) == (FREER, FREE)
    assert choose_gpus(("nvidia.com/gpu=2",), THREE, {}) == (FREEST,)


def test_a_number_takes_those_with_the_most_free_memory() -> None:
    assert choose_gpus(2, THREE, {}) == (FREER, FREEST)


def test_a_gpu_that_is_not_here_is_named_with_those_that_are() -> None:
    with pytest.raises(GpuNotFound, match="GPU 7 not found; this host has 0, 1, 2"):
        choose_gpus((7,), THREE, {})
    with pytest.raises(GpuNotFound, match="asks for 4 GPUs; this host has 3"):
        choose_gpus(4, THREE, {})


def test_a_leased_gpu_is_waited_for() -> None:
    assert choose_gpus((1,), THREE, {"GPU-b": "other"}) == Taken({"GPU-b": "other"})
    assert choose_gpus(3, THREE, {"GPU-b": "other"}) == Taken({"GPU-b": "other"})
    assert choose_gpus(2, THREE, {"GPU-b": "other"}) == (FREE, FREEST)


def test_memory_that_another_program_holds_is_named_with_the_process() -> None:
    with pytest.raises(GpuBusy, match=r"GPU 1 \(GPU-b\) is held by process 4242 \(python, 60,000 MiB\)"):
        choose_gpus((1,), (FREE, HELD), {})
    with pytest.raises(GpuBusy, match="4242"):
        choose_gpus(2, (FREE, HELD), {})
    with pytest.raises(GpuBusy, match="does not name"):
        choose_gpus((0,), (Gpu(0, "GPU-a", "H100", 80_000, 70_000),), {})


def test_a_number_goes_around_a_gpu_that_another_program_holds() -> None:
    assert choose_gpus(1, (FREE, HELD), {}) == (FREE,)


def test_a_run_waits_says_for_whom_and_starts_when_the_gpu_is_free() -> None:
    leases: dict[str, str] = {"GPU-b": "first"}
    said: list[str] = []
    waiting = threading.Event()

    def say(lines: list[str]) -> None:
        said.extend(lines)
        waiting.set()

    def free_it() -> None:
        waiting.wait(60)
        leases.clear()

    threading.Thread(target=free_it).start()
    got = start_on_free_gpus(
        (1,), lambda gpus: gpus, look=lambda: THREE, leased=lambda: dict(leases), say=say, lock=nullcontext
    )
    assert got == (FREER,)
    assert said == ["waiting for GPU-b, which run first has"]


def test_a_run_that_must_not_wait_does_not() -> None:
    with pytest.raises(MustWait):
        start_on_free_gpus(
            (1,),
            lambda gpus: gpus,
            look=lambda: THREE,
            leased=lambda: {"GPU-b": "first"},
            say=print,
            wait=False,
            lock=nullcontext,
        )


def test_of_many_at_once_each_gets_gpus_of_its_own(tmp_path: Path) -> None:
    leases: dict[str, str] = {}
    got: list[str] = []

    def take(gpus: tuple[Gpu, ...]) -> None:
        (gpu,) = gpus
        assert gpu.uuid not in leases
        leases[gpu.uuid] = "somebody"
        got.append(gpu.uuid)

    def leased() -> Mapping[str, str]:
        return dict(leases)

    def one() -> None:
        start_on_free_gpus(1, take, look=lambda: THREE, leased=leased, say=print, lock=lock)

    lock = partial(host_lock, tmp_path / "locks", os.getegid(), print)
    threads = [threading.Thread(target=one) for _ in THREE]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got) == ["GPU-a", "GPU-b", "GPU-c"]
