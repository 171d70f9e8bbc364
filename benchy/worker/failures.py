"""Gives an exception of a library its name in the error tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchy.backends import BACKENDS
from benchy.errors import (
    AccessDenied,
    BenchyError,
    DiskFull,
    ModelNotFound,
    NetworkError,
    NotEnoughMemory,
    RankLost,
    WorkerError,
    causes,
    is_disk_full,
)

_NO_MEMORY = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDA error: out of memory")
"""What plain RuntimeErrors say: of the CPU allocator (c10/core/impl/alloc_cpu.cpp), of cuBLAS, of the CUDA driver."""


@contextmanager
def failing_as(kind: type[BenchyError], doing: str, *, hint: str = "") -> Iterator[None]:
    """Raise what fails inside as ``kind``, with what was being done; memory and disk have their own names.

    Args:
        kind: of the error.
        doing: what was being done.
        hint: what to do about it; the kind's own hint if not given.
    """
    try:
        yield
    except BenchyError:
        raise
    except Exception as error:
        raise name_failure(error, kind, doing, hint=hint) from error


def name_failure(error: Exception, kind: type[BenchyError], doing: str, *, hint: str = "") -> BenchyError:
    """Return the error of the tree for an exception of torch, transformers, datasets or lm-eval."""
    if is_out_of_memory(error):
        return NotEnoughMemory(f"{doing}: out of memory: {_one_line(error)}")
    for cause in causes(error):
        if _is_of_ranks(cause):
            return RankLost(f"{doing}: a process of the worker died or is stuck: {_one_line(cause)}")
        if is_disk_full(cause):
            return DiskFull(f"{doing}: the disk is full: {_one_line(cause)}")
        if answer := _server_failure(cause, doing):
            return answer
        if package := _missing_package(cause):
            return kind(f"{doing}: {_one_line(cause)}", hint=how_to_get(package))
    return kind(f"{doing}: {type(error).__name__}: {_one_line(error)}", hint=hint)


def how_to_get(package: str) -> str:
    """Return what to do where a package is missing."""
    own = (row.how_to_get for row in BACKENDS.values() if row.package == package and row.how_to_get)
    return next(own, None) or f"install it where the worker runs: `pip install {package}`"


def _missing_package(error: BaseException) -> str | None:
    """Return the package that an import did not find, or that a library says it needs; None of any other error."""
    if isinstance(error, ModuleNotFoundError) or (isinstance(error, ImportError) and error.name is None):
        return error.name.partition(".")[0] if error.name else "PACKAGE"
    return None


def name_unexpected(error: Exception) -> WorkerError:
    """Return the error of the tree for what nobody foresaw."""
    if isinstance(error, PermissionError):
        hint = "in a container it is another user, in your group: `chmod -R g+rX FOLDER` lets it read a folder"
        return WorkerError(f"the worker may not open {error.filename}", hint=hint)
    hint = "this is a bug in Benchy; please report it with the log"
    return WorkerError(f"unexpected {type(error).__name__}: {error}", hint=hint)


def _is_of_ranks(error: BaseException) -> bool:
    """Whether a collective of torch.distributed failed; gloo says so with plain RuntimeErrors."""
    import torch

    dist = getattr(torch.distributed, "DistError", ())  # absent where torch was built without it
    return isinstance(error, dist) or (isinstance(error, RuntimeError) and "gloo/transport" in str(error))


def _server_failure(error: BaseException, doing: str) -> BenchyError | None:
    """Return the error of the tree for what an API answered, by its status (RFC 9110), or for its silence."""
    status = getattr(error, "status", None) or getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, _silence()) and status is None:
        return NetworkError(f"{doing}: the server did not answer: {_one_line(error)}", hint=_SERVER_HINT)
    if not isinstance(error, _refusals()) or status is None:
        return None
    text = f"{doing}: the server answered with {status}: {_one_line(error)}"
    if status in {401, 403}:
        return AccessDenied(text, hint="set the server's key in the environment (OPENAI_API_KEY for most)")
    if status in {408, 425, 429} or status >= 500:
        return NetworkError(text, hint=_SERVER_HINT)
    if status == 404:
        return ModelNotFound(text, hint="check model.name and base_url in model.args")
    return None


_SERVER_HINT = "check base_url in model.args and the server; what was answered is kept, and `--resume` goes on with it"


def _silence() -> tuple[type[BaseException], ...]:
    import aiohttp
    import requests

    return (requests.ConnectionError, requests.Timeout, aiohttp.ClientConnectionError, TimeoutError)


def _refusals() -> tuple[type[BaseException], ...]:
    import aiohttp
    import requests

    return (requests.HTTPError, aiohttp.ClientResponseError)


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device, or this host, had no memory left."""
    import torch

    return any(
        isinstance(cause, (torch.OutOfMemoryError, MemoryError))
        or (isinstance(cause, RuntimeError) and any(text in str(cause) for text in _NO_MEMORY))
        for cause in causes(error)
    )


def _one_line(error: BaseException) -> str:
    """Return the first sentence or so: the whole text is in the log."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:297]}..."
