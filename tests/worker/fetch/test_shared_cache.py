"""What was fetched into a shared cache is linked into the worker's own, and written nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy import hub
from benchy.config import ModelConfig
from benchy.hub import SHARED_CACHE, Repo
from benchy.record import Fetched
from benchy.worker.fetch.shared_cache import link_fetched

FETCHED = Fetched(commit="c1", data_sets={"data": "d1"})


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a shared cache with a model and a dataset at two commits, and an empty one of the worker's own."""
    shared, own = tmp_path / "shared", tmp_path / "own"
    model = shared / "hub" / hub.repository_folder(Repo("org/model")).name
    (model / "snapshots").mkdir(parents=True)
    for commit in ("d1", "d2"):
        (shared / "datasets" / "data" / "default" / "0" / commit).mkdir(parents=True)
        (shared / "datasets" / "data" / "default" / "0" / commit / "test.arrow").touch()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(own / "hub"))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(own / "datasets"))
    return shared


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink())


def test_the_model_and_the_datas_commit_are_linked(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED_CACHE, str(shared))
    for _ in range(2):  # another process of the worker may have made them
        link_fetched(ModelConfig(name="org/model"), FETCHED)
    own = shared.parent / "own"
    assert files(own) == ["datasets/data/default/0/d1/test.arrow", "hub/models--org--model"]
    assert (own / "hub" / "models--org--model").resolve() == shared / "hub" / "models--org--model"


def test_a_folders_model_is_not(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED_CACHE, str(shared))
    link_fetched(ModelConfig(name="folder"), Fetched())
    assert not (shared.parent / "own").exists()


def test_where_the_cache_is_the_workers_own_nothing_is_linked(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SHARED_CACHE, raising=False)
    link_fetched(ModelConfig(name="org/model"), FETCHED)
    assert not (shared.parent / "own").exists()
