"""A store of another package is loaded by its address, and what is none is named."""

from __future__ import annotations

import pytest

from benchy.config import UploadConfig
from benchy.errors import ConfigError
from benchy.leaderboard.stores.base import Store
from benchy.leaderboard.stores.brought import load_brought


class Shelf:
    """What a package brings."""

    def open(self, place: str, token: str | None) -> Store:
        raise NotImplementedError(place, token)


class Nothing:
    """It opens nothing."""


def test_benchys_own_are_not_looked_for() -> None:
    assert load_brought(UploadConfig(to="leaderboard")) is None
    assert load_brought(UploadConfig(to="hf://datasets/org/board")) is None


def test_the_kind_comes_with_the_place() -> None:
    found = load_brought(UploadConfig(to=f"{__name__}:Shelf:///srv/boards"))
    assert found is not None
    kind, place = found
    assert type(kind).__name__ == "Shelf"
    assert place == "/srv/boards"


@pytest.mark.parametrize("name", ["Nothing", "NotThere"])
def test_what_is_no_store_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load_brought(UploadConfig(to=f"{__name__}:{name}://x"))
