"""Replaces attributes of lm-eval's objects for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(thing: Any, **attributes: Any) -> Iterator[None]:
    """Set attributes of an object; it is as before afterwards."""
    before = {name: vars(thing)[name] for name in attributes if name in vars(thing)}
    for name, value in attributes.items():
        setattr(thing, name, value)
    try:
        yield
    finally:
        for name in attributes:
            delattr(thing, name)
        for name, value in before.items():
            setattr(thing, name, value)
