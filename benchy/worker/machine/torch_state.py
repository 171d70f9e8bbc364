"""What torch holds in this process beside the model: the state of its random numbers, and memory that can be freed."""

from __future__ import annotations

import gc
import io


def random_state() -> bytes:
    """Of torch, on the CPU and on every GPU."""
    import torch

    buffer = io.BytesIO()
    torch.save([torch.get_rng_state(), *torch.cuda.get_rng_state_all()], buffer)
    return buffer.getvalue()


def set_random_state(state: bytes) -> None:
    """Go on with what :func:`random_state` gave."""
    import torch

    cpu, *gpus = torch.load(io.BytesIO(state), weights_only=True)
    torch.set_rng_state(cpu)
    torch.cuda.set_rng_state_all(gpus)


def free_memory() -> None:
    """Give back what nothing refers to any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
