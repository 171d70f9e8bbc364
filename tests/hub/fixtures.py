"""Fixtures around the loopback Hub, for every test that wants one: import them into a module or a conftest.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.server import LoopbackHub


@pytest.fixture
def loopback_hub() -> Iterator[LoopbackHub]:
    """Provide a Hub without repositories."""
    with LoopbackHub() as hub:
        yield hub


@pytest.fixture
def own_hub(loopback_hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """Provide the same to this process too, with an empty cache in ``hf``: huggingface_hub reads variables only once.

    Nobody is logged in.
    """
    from huggingface_hub import close_session

    home = tmp_path / "hf"
    for name, value in loopback_hub.environment(home).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    constants: dict[str, object] = {
        "ENDPOINT": loopback_hub.endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": f"{loopback_hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
    }
    for constant, changed in constants.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{constant}", changed)
    close_session()
    yield loopback_hub
    close_session()
