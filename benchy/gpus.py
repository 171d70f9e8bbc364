"""What memory the configured GPUs of this host have, asked of the driver without torch."""

from __future__ import annotations

import shutil
import subprocess

from benchy.config import BenchmarkConfig


def gpu_memory_bytes(config: BenchmarkConfig) -> int | None:
    """Of the smallest GPU that the config names; None without GPUs here, or where the config asks for none."""
    if not config.uses_gpus:
        return None
    found = _ask_driver()
    wanted = [str(gpu) for gpu in config.gpus or ()]
    sizes = [size for index, uuid, size in found if not wanted or index in wanted or uuid in wanted]
    return min(sizes, default=None)


def _ask_driver() -> list[tuple[str, str, int]]:
    """Index, UUID and bytes of each GPU."""
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []  # the worker says what is wrong with the GPUs
    rows = [[part.strip() for part in line.split(",")] for line in answer.splitlines()]
    return [(index, uuid, int(mib) * 1024**2) for index, uuid, mib in rows if mib.isdigit()]
