"""Loads the store that another package brings."""

from __future__ import annotations

from benchy.config import UploadConfig
from benchy.leaderboard.stores.base import StoreKind
from benchy.plugins import load_plugin


def load_brought(upload: UploadConfig) -> tuple[StoreKind, str] | None:
    """Load the kind of store that ``upload.to`` names by ``package.module:Class://PLACE``; gives it with the place.

    Returns:
        None for Benchy's own.

    Raises:
        ConfigError: it cannot be loaded, or is none.
    """
    if upload.brought is None:
        return None
    address, place = upload.brought
    wanted: type[StoreKind] = StoreKind  # type: ignore[type-abstract]
    kind = load_plugin(address, wanted, key="upload.to")
    assert kind is not None  # noqa: S101 - an address is always looked for
    return kind, place
