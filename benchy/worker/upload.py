"""Publishes a finished run. Imports no model code, so that the worker that does only this starts at once."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchy.errors import UploadFailed
from benchy.home_folders import with_home
from benchy.leaderboard.exports.base import Publication
from benchy.leaderboard.exports.model_card import offer
from benchy.leaderboard.publication import make_publication
from benchy.leaderboard.publish import Published, publish
from benchy.leaderboard.stores.base import Store
from benchy.leaderboard.stores.brought import load_brought
from benchy.leaderboard.stores.folder import FolderStore
from benchy.leaderboard.stores.hub import HubStore
from benchy.leaderboard.stores.hub_access import naming_write_failures, writing_client
from benchy.masking import remember_secret
from benchy.protocol import Upload
from benchy.record import Uploaded
from benchy.results.finished import require_scores
from benchy.worker.failures import failing_as


def upload(request: Upload) -> Uploaded:
    """Add the run to the leaderboard; one that is there already changes nothing.

    Raises:
        UploadFailed: the run has no scores, or the leaderboard cannot be written; the record is kept.
        AccessDenied: no token, or the Hub refuses it.
        NetworkError: the Hub cannot be reached, or keeps failing.
        DiskFull: no space left where the leaderboard is.
    """
    started = time.monotonic()
    remember_secret(request.token)
    folder = Path(request.run_folder)
    require_scores(request.record)  # before a folder is made in it
    with failing_as(UploadFailed, f"publishing {folder}"), tempfile.TemporaryDirectory(dir=folder, prefix=".") as aside:
        config = request.config
        publication = make_publication(
            request.record, folder, Path(aside), samples=config.samples, scores=config.scores
        )
        uploaded = _publish(publication, request)
    return uploaded.taken(time.monotonic() - started)


def _publish(publication: Publication, request: Upload) -> Uploaded:
    name = request.config.data_set
    if name is not None:
        return _to_hub(publication, request, name)
    brought = load_brought(request.config)
    store: Store = FolderStore(with_home(request.config.to).resolve())
    if brought is not None:
        kind, place = brought
        store = kind.open(place, request.token)
    return _uploaded(publication, publish(publication, store, signing_key=request.signing_key), store)


def _to_hub(publication: Publication, request: Upload, name: str) -> Uploaded:
    config, api = request.config, writing_client(request.config, request.token)
    store = HubStore(name, api)
    with naming_write_failures(name, config.token_env):
        uploaded = _uploaded(publication, publish(publication, store, signing_key=request.signing_key), store)
    if not config.model_card:
        return uploaded
    with naming_write_failures(publication.record.config.model.name, config.token_env, kind="model"):
        pull_request = offer(publication, name, uploaded.url, api)
    return uploaded.offered_in(pull_request)


def _uploaded(publication: Publication, published: Published, store: Store) -> Uploaded:
    rank = published.board.rank_of(publication.record.run_name)
    return Uploaded(url=store.url, already_there=published.already_there, rank=rank, upload_seconds=0.0)
