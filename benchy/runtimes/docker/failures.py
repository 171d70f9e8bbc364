"""What keeps the engine from starting a container, or from giving it a GPU, as errors of the tree."""

from __future__ import annotations

import re

import requests
from docker.errors import APIError

from benchy.errors import BenchyError, ContainerRefused, DiskFull, EngineLost, GpuNotFound, NoGpuSupport
from benchy.gpus.failures import what_to_do


def name_refusal(error: requests.RequestException) -> BenchyError:
    """Return the error for what the engine says when it creates or starts a container, or for its silence."""
    if not isinstance(error, APIError):
        return EngineLost(f"the Docker engine went away while a worker was being started: {error}")
    return name_words(str(error.explanation or error))


def name_words(said: str) -> BenchyError:
    """Return the error of the tree for the engine's words; its traceback, which is for the log, has all of them."""
    reason = without_wrapping(said)
    if "no space left on device" in said:
        hint = "free some space: `docker system df` tells"
        return DiskFull(f"the Docker engine's disk is full: {reason}", hint=hint, traceback=said)
    if is_unknown_gpu(said):
        hint = "`nvidia-ctk cdi list` names those that it knows" if "CDI" in said else ""
        return GpuNotFound(f"the Docker engine knows no such GPU: {reason}", hint=hint, traceback=said)
    if hint := what_to_do(said):
        return NoGpuSupport(f"the Docker engine gives no GPU: {reason}", hint=hint, traceback=said)
    return ContainerRefused(f"the Docker engine does not start the worker: {reason}", traceback=said)


def name_failed_look(said: str) -> NoGpuSupport:
    """Return the error for what ``nvidia-smi``, or the shell that finds none, says in a container that did start."""
    reason = " ".join(said.split()) or "nvidia-smi ended without a word"
    return NoGpuSupport(
        f"the Docker engine took the GPU request but gave no GPU: {reason}", hint=what_to_do(said), traceback=said
    )


_WRAPPING = re.compile(
    r".*(?:, stderr:|error modifying OCI spec:|error during container init:|unable to start container process:)\s*"
    r"|(?:Auto-detected|Using requested) mode (?:as )?'[\w-]+'\s"
    r"|: unknown\s*$",
    re.DOTALL,
)


def without_wrapping(said: str) -> str:
    """Return the reason alone, in one line, of what came to the engine through containerd, runc and a hook."""
    return " ".join(_WRAPPING.sub("", said).split())


_UNRESOLVABLE = re.compile(r"unresolvable CDI devices ([^:\n]+)")


def is_unknown_gpu(said: str) -> bool:
    """Whether the engine has GPUs, but not this one.

    Where not even ``nvidia.com/gpu=all`` is known, there is no CDI spec. ``runtime.nvidia.com/gpu`` is of a spec that
    the toolkit makes as a container starts: of no driver it makes none (NVIDIA/nvidia-container-toolkit#1537).
    """
    if found := _UNRESOLVABLE.search(said):
        names = found[1].split(", ")
        return any(name.startswith("nvidia.com/") for name in names) and not any("=all" in name for name in names)
    return "unknown device" in said
