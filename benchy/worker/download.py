"""Fetches what will be loaded, and nothing else, from the Hub into its cache."""

from __future__ import annotations

import glob
import logging
from pathlib import Path

from benchy import hub
from benchy.config import ModelConfig
from benchy.hub_failures import Repo, naming_failures
from benchy.model_files import files_to_load, find_weights, weight_files
from benchy.record import ModelIdentity

logger = logging.getLogger(__name__)


def download_model(model: ModelConfig) -> ModelIdentity:
    """Fetch the model at one commit; what is in the cache already is not fetched again.

    Raises:
        ModelNotFound, ModelLoadError: no such repository or revision, or no weights that can be loaded.
        AccessDenied: private or gated, or the token is missing or not valid.
        NetworkError: the Hub cannot be reached, or it kept failing.
        DiskFull: no space in the cache.
    """
    repo = Repo(model.name, revision=model.revision)
    if hub.is_offline():
        return _identity(model, hub.cached_commit(repo))
    listing = hub.list_files(repo)
    pinned = Repo(model.name, revision=listing.commit)
    entry = find_weights(listing.sizes, model)
    weights = weight_files(entry, lambda path: hub.read_file(pinned, path))
    files = files_to_load(listing.sizes, {entry, *weights})
    folder = fetch(pinned, files)
    logger.info("%s at %s: %d files in %s", model.name, listing.commit, len(files), folder)
    return _identity(model, listing.commit)


def fetch(repo: Repo, files: list[str]) -> Path:
    """Fetch files of a repository at a commit; the folder where they lie.

    Raises:
        As :func:`download_model`.
    """
    from huggingface_hub import snapshot_download

    with naming_failures(repo):
        return Path(
            hub.retried(
                lambda: snapshot_download(
                    repo.name,
                    repo_type=repo.kind,
                    revision=repo.revision,
                    allow_patterns=[glob.escape(path) for path in files],
                )
            )
        )


def _identity(model: ModelConfig, commit: str) -> ModelIdentity:
    return ModelIdentity(name=model.name, source="hub", commit=commit)
