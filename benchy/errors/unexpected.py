"""Gives what nobody foresaw, and what this host refuses, a name in the tree."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from benchy.errors.base import BenchyError
from benchy.errors.tree import ConfigError, DiskFull, Interrupted


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_disk_full(error: BaseException) -> bool:
    """Whether the operating system said that no space is left, or that the user's share of it is used up."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def naming_unexpected() -> Iterator[None]:
    """Raise what is no error of the tree as one: Prefect shows an exception's own words, secrets included."""
    try:
        yield
    except BenchyError:
        raise
    except Exception as error:  # noqa: BLE001 - the catch-all at Prefect's edge
        raise as_benchy_error(error) from None


def as_benchy_error(error: BaseException) -> BenchyError:
    """Return the error of the tree for whatever ended a run; Prefect cancels with a BaseException of its own."""
    if isinstance(error, BenchyError):
        return error
    if not isinstance(error, Exception):
        return Interrupted("the run was interrupted")
    text = "".join(traceback.format_exception(error))
    if isinstance(error, OSError) and (refused := refused_by_host(error)):
        refused.traceback = text
        return refused
    if str(getattr(error, "title", "")).endswith("Settings"):  # pydantic's, of Prefect's settings
        return ConfigError(f"Prefect refuses its settings: {' '.join(str(error).split())}", hint=_SETTINGS)
    return BenchyError(
        f"unexpected {type(error).__name__}: {error}",
        hint="this is a bug in Benchy; please report it with the log",
        traceback=text,
    )


_REFUSALS = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EIO,
    errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.EINVAL,
}  # fmt: skip
"""What an operating system says of its own files and limits, and of no mistake in this code."""


_SETTINGS = "mend the variable PREFECT_... or the profile (`prefect config view` lists them)"


def refused_by_host(error: OSError) -> BenchyError | None:
    """Return the error for a file or a limit of this host that is in the way; None if it is none of these."""
    where = error.filename or "a file"
    if is_disk_full(error):
        return DiskFull(f"no space left for {where}")
    if error.errno not in _REFUSALS:
        return None
    hint = "check who may read and write it (`ls -l`), and HOME, HF_HOME and PREFECT_HOME"
    return ConfigError(f"this host refuses {where}: {error.strerror}", hint=hint)
