"""Names what is wrong with files of lm-eval's that are not as lm-eval writes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchy.errors import BenchyError


@contextmanager
def damage_named(kind: type[BenchyError], said: str, *, hint: str = "") -> Iterator[None]:
    """Raise ``kind`` for whatever a value of another form makes its reader raise.

    Args:
        kind: of the error.
        said: what is wrong, as `FILE is no file of lm-eval's results`.
        hint: what to do about it; the kind's own hint if not given.
    """
    try:
        yield
    except BenchyError:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise kind(f"{said}: {type(error).__name__}: {error}", hint=hint) from error
