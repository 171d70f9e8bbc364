"""The cache is huggingface_hub's own, and knows which commit a revision stood for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchy.hub import (
    RemoteFile,
    Repo,
    blob_path,
    cache_folder,
    cached_commit,
    datasets_cache,
    list_files,
    read_file,
    remember_commit,
    repository_folder,
)
from tests.hub.fixtures import loopback_hub, own_hub
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub", "own_hub"]

COMMIT = "c0ffee" + "0" * 34


@pytest.fixture
def cache(own_hub: LoopbackHub, tmp_path: Path) -> Path:
    """Provide the empty cache of this process."""
    assert own_hub.seen == []
    return tmp_path / "hf" / "hub"


@pytest.mark.parametrize(
    ("repo", "folder"),
    [
        (Repo("org/tiny"), "models--org--tiny"),
        (Repo("gpt2"), "models--gpt2"),
        (Repo("org/board", "dataset"), "datasets--org--board"),
    ],
)
def test_a_repository_has_its_folder(cache: Path, repo: Repo, folder: str) -> None:
    assert cache_folder() == cache
    assert repository_folder(repo) == cache / folder
    assert blob_path(repo, RemoteFile(7, "e7a9")) == cache / folder / "blobs" / "e7a9"


def test_a_file_lies_where_huggingface_hub_puts_it(own_hub: LoopbackHub) -> None:
    own_hub.add_repository("org/tiny", {"config.json": b"{}", "model.bin": b"weights"})
    repo = Repo("org/tiny")
    for path, file in list_files(repo).files.items():
        assert read_file(repo, path).resolve() == blob_path(repo, file).resolve()


@pytest.mark.parametrize("revision", [None, "main", "v1.0", "refs/pr/3"])
def test_a_commit_is_remembered_by_its_revision(cache: Path, revision: str | None) -> None:
    repo = Repo("org/tiny", revision=revision)
    remember_commit(repo, COMMIT)
    assert (repository_folder(repo) / "refs" / (revision or "main")).read_text(encoding="utf-8") == COMMIT
    assert cached_commit(repo) == COMMIT
    assert cache.is_dir()


def test_the_latest_counts(cache: Path) -> None:
    repo, later = Repo("org/tiny"), "decade" + "0" * 34
    remember_commit(repo, COMMIT)
    remember_commit(repo, later)
    assert cached_commit(repo) == later
    assert [path.name for path in (cache / "models--org--tiny" / "refs").iterdir()] == ["main"]


def test_a_commit_stands_for_itself(cache: Path) -> None:
    remember_commit(Repo("org/tiny", revision=COMMIT), COMMIT)
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_no_failure(cache: Path) -> None:
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("no folder", encoding="utf-8")
    remember_commit(Repo("org/tiny"), COMMIT)
    assert cache.read_text(encoding="utf-8") == "no folder"


@pytest.mark.usefixtures("own_hub")
def test_data_sets_have_a_cache_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_DATASETS_CACHE", raising=False)
    assert datasets_cache() == tmp_path / "hf" / "datasets"
    monkeypatch.setenv("HF_DATASETS_CACHE", "")
    assert datasets_cache() == tmp_path / "hf" / "datasets"
    monkeypatch.setenv("HF_DATASETS_CACHE", os.fspath(tmp_path / "own"))
    assert datasets_cache() == tmp_path / "own"
