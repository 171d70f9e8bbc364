"""Every test runs apart from this user's own files, with no Hub and no Prefect server but those that it starts."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import REPOSITORY, isolated_environment

pytest_plugins = ["tests.prefect_server", "tests.engine", "tests.image"]


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests together in one process, so that what they share is made once.

    So do all tests with a Docker engine, which begin first: their images take minutes, and two engines that start at
    the same moment break each other's iptables chains.
    """
    items.sort(key=lambda item: not _needs_engine(item))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("engine" if _needs_engine(item) else item.location[0]))


def _needs_engine(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "engine" in item.fixturenames


@pytest.fixture(scope="session", autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One home for the whole session, so that what is slow at a first start is done once."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # started in the background, we and our children ignore it
    with pytest.MonkeyPatch.context() as patch:
        for name, value in isolated_environment(tmp_path_factory.mktemp("home")).items():
            if value is None:
                patch.delenv(name, raising=False)
            else:
                patch.setenv(name, value)
        yield


@pytest.fixture
def at_repository(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder is the repository's root, where the README's commands are typed."""
    monkeypatch.chdir(REPOSITORY)
    return REPOSITORY
