"""Loads what other packages bring, by the name of an entry point or as `package.module:Name`."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any, TypeVar

from benchy.errors import ConfigError

PluginT = TypeVar("PluginT")


def is_address(name: str) -> bool:
    """Return whether a name says where something is: ``package.module:Name``."""
    module, colon, attribute = name.partition(":")
    return bool(colon) and attribute.isidentifier() and all(part.isidentifier() for part in module.split("."))


def load_plugin(name: str, kind: type[PluginT], *, key: str, group: str | None = None) -> PluginT | None:
    """Load an object of another package: code of the user's own choice, so never a name that only a record brings.

    Args:
        name: of an entry point, or ``package.module:Name``. A class is called without arguments.
        kind: of what it must be; a protocol must be one that can be checked at run time.
        key: the config's, which holds the name.
        group: of entry points; without one, an address alone is understood.

    Returns:
        None if the name is no address, and no installed package has such an entry point.

    Raises:
        ConfigError: it cannot be imported, or is something else.
    """
    try:
        found = resolve(name) if is_address(name) else _load_entry_point(name, group)
        made = found() if isinstance(found, type) else found
    except Exception as error:
        raise ConfigError(
            f'{key}: "{name}" cannot be loaded: {type(error).__name__}: {error}',
            hint="install its package for this Python (and into the worker's image), or mend its name",
        ) from error
    if made is None or isinstance(made, kind):
        return made
    raise ConfigError(
        f'{key}: "{name}" is a {type(made).__name__}, and no {kind.__name__}',
        hint=f"docs/extending.md shows what a {kind.__name__} is",
    )


def resolve(address: str) -> Any:
    """Import what ``package.module:Name`` names; raises whatever that raises."""
    module, _, attribute = address.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _load_entry_point(name: str, group: str | None) -> object:
    """Return what the entry point of this name holds; None if there is none."""
    if group is None:
        return None
    found = next(iter(entry_points(group=group, name=name)), None)
    return found.load() if found else None
