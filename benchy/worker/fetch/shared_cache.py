"""Links what was fetched for a worker from the shared cache, which it may not write, into its own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from benchy import hub
from benchy.config import ModelConfig
from benchy.hub import SHARED_CACHE, Repo
from benchy.record import Fetched
from benchy.worker.fetch.checkpoint import repo_of_part


def link_fetched(model: ModelConfig, fetched: Fetched) -> None:
    """Link the model, its parts and the data; does nothing where the cache is this worker's own."""
    if shared := os.environ.get(SHARED_CACHE):
        names = [repo_of_part(model.args[part]).name for part in fetched.parts] + (
            [model.name] if fetched.commit else []
        )
        _link_repositories(Path(shared), names)
        _link_data(Path(shared) / "datasets", fetched.data_sets.values())


def _link_repositories(shared: Path, names: Iterable[str]) -> None:
    for name in names:
        own = hub.repository_folder(Repo(name))
        _link(own, shared / "hub" / own.name)


def _link_data(shared: Path, commits: Iterable[str]) -> None:
    """Link file by file: what `datasets` computes from them (``map``) goes into the same folder."""
    for commit in set(commits):
        for file in shared.glob(f"*/*/*/{commit}/*"):
            own = hub.datasets_cache() / file.relative_to(shared)
            _link(own, file)


def _link(own: Path, shared: Path) -> None:
    own.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # another process of this worker made it, or an earlier request
        own.symlink_to(shared)
