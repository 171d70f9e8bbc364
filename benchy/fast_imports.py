"""Heavy imports without the search for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_no_garbage() -> Iterator[None]:
    """For imports: they make no garbage, and a sixth of their time goes into the search for it, then and later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
