"""Words about a GPU that is not given get the remedy that fits, and all other words none."""

from __future__ import annotations

import pytest

from benchy.errors import NoGpuSupport
from benchy.gpus.failures import HINTS, what_to_do


@pytest.mark.parametrize(("part", "hint"), HINTS)
def test_each_part_is_found_in_a_message_in_any_case_of_its_letters(part: str, hint: str) -> None:
    earlier = [other for other, _ in HINTS[: [known for known, _ in HINTS].index(part)]]
    assert not any(other.lower() in part.lower() for other in earlier), "a part before it would always count"
    for said in (part, part.upper(), f"Error response from daemon:\n {part.lower()} (exit status 1)"):
        assert what_to_do(said) == hint


@pytest.mark.parametrize("said", ["", "CUDA out of memory", "no space left on device", "driver", "nvidia"])
def test_what_is_about_something_else_gets_no_remedy(said: str) -> None:
    assert what_to_do(said) == ""


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("Failed to initialize NVML: Driver/library version mismatch", "reboot the host"),
        ("Failed to initialize NVML: Insufficient Permissions", "NVreg_DeviceFileMode=0666"),
        ("Failed to initialize NVML: Unknown Error", "no-cgroups = false"),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "580 or newer, and load it"),
        ("nvidia-container-cli: requirement error: unsatisfied condition: cuda>=13.0", "update NVIDIA's driver"),
        ("nvidia-container-cli: initialization error: driver not loaded", "and load it"),
        ("nvidia-container-cli: device error: unknown device", "update NVIDIA's container toolkit"),
        ('could not select device driver "" with capabilities: [[gpu]]', NoGpuSupport.default_hint),
        ('could not select device driver "cdi" with capabilities: []', "Docker has CDI from 28.2 on"),
        ("CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=9", "nvidia-cdi-refresh"),
        ("Error 802: system not yet initialized", "nvidia-fabricmanager"),
        ("Error 803: system has unsupported display driver / cuda driver combination", "reboot"),
        ("Torch not compiled with CUDA enabled", "a CUDA build of torch"),
    ],
)
def test_of_several_parts_the_one_that_says_most_counts(said: str, part: str) -> None:
    assert part in what_to_do(said)


def test_every_remedy_is_short_enough_to_be_shown_whole() -> None:
    for _, hint in HINTS:
        assert NoGpuSupport("no GPU", hint=hint).hint == hint
