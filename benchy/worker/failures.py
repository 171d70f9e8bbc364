"""Gives an exception of a library its name in the error tree."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from benchy.errors import BenchyError, DiskFull, NotEnoughMemory

_NO_MEMORY = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDA error: out of memory")
"""What plain RuntimeErrors say: of the CPU allocator (c10/core/impl/alloc_cpu.cpp), of cuBLAS, of the CUDA driver."""


@contextmanager
def failing_as(kind: type[BenchyError], doing: str) -> Iterator[None]:
    """Raise what fails inside as ``kind``, with what was being done; memory and disk have their own names."""
    try:
        yield
    except BenchyError:
        raise
    except Exception as error:
        raise name_failure(error, kind, doing) from error


def name_failure(error: Exception, kind: type[BenchyError], doing: str) -> BenchyError:
    """The error of the tree for an exception of torch, transformers, datasets or lm-eval."""
    if is_out_of_memory(error):
        return NotEnoughMemory(f"out of memory while {doing}: {_one_line(error)}")
    for cause in _chain(error):
        if isinstance(cause, OSError) and cause.errno in {errno.ENOSPC, errno.EDQUOT}:
            return DiskFull(f"the disk is full while {doing}: {_one_line(cause)}")
    return kind(f"{doing}: {type(error).__name__}: {_one_line(error)}")


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device, or this host, had no memory left."""
    import torch

    return any(
        isinstance(cause, (torch.OutOfMemoryError, MemoryError))
        or (isinstance(cause, RuntimeError) and any(text in str(cause) for text in _NO_MEMORY))
        for cause in _chain(error)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _one_line(error: BaseException) -> str:
    """The first sentence or so: the whole text is in the log."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:297]}..."
