"""Fetches a model: from the Hub at one commit, or takes it from a folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePath

from benchy import hub
from benchy.backends import PARTS
from benchy.checkpoint.adapter import ADAPTER_FILE, has_tokenizer
from benchy.checkpoint.files import files_to_hash, files_to_load, find_weights, weight_files
from benchy.checkpoint.source import list_files
from benchy.config import DownloadConfig, ModelConfig
from benchy.hub import Repo
from benchy.record import ModelIdentity
from benchy.worker.fetch.cache import require_sound
from benchy.worker.fetch.supervisor import Emit, download


def download_model(model: ModelConfig, options: DownloadConfig, emit: Emit) -> ModelIdentity:
    """Fetch the model at one commit; what is in the cache already is not fetched again.

    Raises:
        ModelNotFound, ModelLoadError: no such repository or revision, or no weights that can be loaded.
        AccessDenied: private or gated, or the token is missing or not valid.
        NetworkError: the Hub cannot be reached, kept failing, or sent other bytes than it should.
        DiskFull: no space in the cache.
    """
    repo = Repo(model.name, revision=model.revision)
    if hub.is_offline():
        return _identity(model, _cached_commit(repo))
    return _identity(model, _fetch_commit(repo, model, options, emit))


def download_small_files(model: ModelConfig, options: DownloadConfig, emit: Emit) -> str:
    """Fetch what of a model is loaded beside its weights: config, tokenizer, code; return the commit.

    The cache does not take that for the model: without the network it is as if nothing had been fetched.

    Raises:
        As :func:`download_model`.
    """
    repo = Repo(model.name, revision=model.revision)
    return _cached_commit(repo) if hub.is_offline() else _fetch_commit(repo, model, options, emit, small=True)


def _fetch_commit(
    repo: Repo, model: ModelConfig | None, options: DownloadConfig, emit: Emit, *, small: bool = False
) -> str:
    """Fetch what is loaded of a repository as it is now; the commit. Without ``model`` it has no weights to load.

    Args:
        repo: what is fetched.
        model: chooses which weights are loaded.
        options: how files are fetched.
        emit: gets how far it is.
        small: fetch all but the weights.
    """
    listing = hub.list_files(repo)
    pinned = Repo(repo.name, revision=listing.commit)
    weights: set[str] = set()
    if model is not None:
        entry = find_weights(listing.files, model)
        weights = {entry, *weight_files(entry, partial(hub.read_file, pinned))}
    wanted = [path for path in files_to_load(listing.files, weights) if not (small and path in weights)]
    download(pinned, {path: listing.files[path] for path in wanted}, options, emit)
    if not small:
        hub.remember_commit(repo, listing.commit)
    return listing.commit


def fetch_parts(model: ModelConfig, options: DownloadConfig, emit: Emit, *, small: bool = False) -> dict[str, str]:
    """Fetch the further repositories that the arguments name; the commit of each.

    Args:
        model: whose parts they are.
        options: how files are fetched.
        emit: gets how far it is.
        small: fetch all but their weights.

    Raises:
        As :func:`download_model`.
    """
    commits = {}
    for part in PARTS:
        name = model.args.get(part)
        if not isinstance(name, str) or Path(name).is_dir():
            continue
        repo, holds_weights = repo_of_part(name), part != "tokenizer"
        whole = ModelConfig(name=repo.name) if holds_weights else None
        commits[part] = (
            _cached_commit(repo)
            if hub.is_offline()
            else _fetch_commit(repo, whole, options, emit, small=small and holds_weights)
        )
    return commits


def with_part_folders(model: ModelConfig, commits: Mapping[str, str]) -> ModelConfig:
    """Return the model with the folders of its parts in its arguments.

    lm-eval asks for all of them at the model's own revision, which is a commit by now and means nothing there.
    """
    folders = {part: str(_snapshot(repo_of_part(model.args[part]), commit)) for part, commit in commits.items()}
    return model.with_args(model.args | folders)


def upon_base(model: ModelConfig, commit: str | None) -> ModelConfig:
    """Return an adapter as lm-eval takes it, ``peft`` upon the ``pretrained`` that the host found.

    Others as they are.
    """
    folder = Path(model.name) if commit is None else _snapshot(Repo(model.name), commit)
    if "pretrained" not in model.args or not (folder / ADAPTER_FILE).is_file():
        return model
    own = {"peft": str(folder)} | ({"tokenizer": str(folder)} if has_tokenizer(set(list_files(folder))) else {})
    return model.with_args(own | model.args)


def repo_of_part(name: str) -> Repo:
    """Return the repository of a part: ``name`` or ``name@revision``."""
    name, _, revision = name.partition("@")
    return Repo(name, revision=revision or None)


def _snapshot(repo: Repo, commit: str) -> Path:
    return hub.repository_folder(repo) / "snapshots" / commit


def _cached_commit(repo: Repo) -> str:
    commit = hub.cached_commit(repo)
    require_sound(repo, commit)
    return commit


def _identity(model: ModelConfig, commit: str) -> ModelIdentity:
    return ModelIdentity(name=model.name, source="hub", commit=commit)


def hash_folder(folder: Path, model: ModelConfig) -> str:
    """SHA-256 over the relative names and the contents of the files that are loaded, in order of their names.

    Raises:
        ModelNotFound, ModelLoadError: the folder has no weights that can be loaded.
    """
    paths, total = set(list_files(folder)), hashlib.sha256()
    entry = find_weights(paths, model)
    weights = {entry, *weight_files(entry, folder.joinpath)}
    for path in sorted(map(PurePath, files_to_hash(paths, weights, with_code=model.trust_remote_code))):
        with (folder / path).open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(os.fsencode(path) + f"\0{content}\n".encode())
    return total.hexdigest()
