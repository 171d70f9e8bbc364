"""Fixtures around the loopback Hub, for every test that wants one: import them into a module or a conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hub.server import LoopbackHub


@pytest.fixture
def loopback_hub() -> Iterator[LoopbackHub]:
    """Provide a Hub without repositories."""
    with LoopbackHub() as hub:
        yield hub
