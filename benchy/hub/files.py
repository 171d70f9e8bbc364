"""Reads single files and headers of a repository on the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchy.errors import ModelLoadError
from benchy.hub.cache import blob_path
from benchy.hub.failures import naming_failures
from benchy.hub.repository import Listing, RemoteFile, Repo, client
from benchy.hub.retries import retried

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling
    from huggingface_hub.utils._safetensors import SafetensorsFileMetadata


TIMEOUT_SECONDS = 10.0
"""For one answer about facts; downloads have their own."""


def list_files(repo: Repo) -> Listing:
    """Return the commit that the revision stands for now, and its files.

    Works for gated repositories whose terms were not accepted: only reading a file shows that.

    Raises:
        ModelNotFound (or ``repo.missing``): no such repository or revision.
        AccessDenied: the token is not valid.
        NetworkError: the Hub cannot be reached.
    """
    ask = client().model_info if repo.kind == "model" else client().dataset_info
    with naming_failures(repo):
        info = retried(lambda: ask(repo.name, revision=repo.revision, files_metadata=True, timeout=TIMEOUT_SECONDS))
    if info.sha is None:
        raise repo.missing(f"{repo.name} has no commit", hint=f"look at {repo.page}")
    return Listing(info.sha, {file.rfilename: _remote_file(file) for file in info.siblings or ()})


def _remote_file(file: RepoSibling) -> RemoteFile:
    return RemoteFile(file.size or 0, file.lfs.sha256 if file.lfs else file.blob_id or "")


def read_header(repo: Repo, path: str, file: RemoteFile) -> SafetensorsFileMetadata:
    """Return the header of a safetensors file: from the cache, or else with a range request, 100 kB mostly.

    Raises:
        ModelLoadError: it is no safetensors file.
        As :func:`read_file`.
    """
    from huggingface_hub import parse_local_safetensors_file_metadata
    from huggingface_hub.errors import SafetensorsParsingError

    cached = blob_path(repo, file)
    try:
        if cached.is_file():
            return parse_local_safetensors_file_metadata(cached)
        with naming_failures(repo):
            return retried(
                lambda: client().parse_safetensors_file_metadata(
                    repo.name, path, repo_type=repo.kind, revision=repo.revision, timeout=TIMEOUT_SECONDS
                )
            )
    except (SafetensorsParsingError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ModelLoadError(f"{path} of {repo.name} is damaged: {error}", hint=f"look at {repo.page}") from error


def cached_commit(repo: Repo) -> str:
    """Return the commit that the revision stood for when it was fetched last.

    Raises:
        NetworkError: nothing is known of it here.
    """
    with naming_failures(repo):
        return client().resolve_revision(
            repo.name, repo_type=repo.kind, revision=repo.revision, local_files_only=True
        ).resolved  # fmt: skip


def read_file(repo: Repo, path: str) -> Path:
    """One file of a repository, from the cache or else fetched into it.

    Raises:
        ModelNotFound (or ``repo.missing``): there is no such file.
        AccessDenied: the repository is gated, and its terms were not accepted.
        NetworkError: the Hub cannot be reached.
    """
    with naming_failures(repo):
        return Path(
            retried(
                lambda: client().hf_hub_download(repo.name, path, repo_type=repo.kind, revision=repo.revision)
            )
        )  # fmt: skip


def require_access(repo: Repo, path: str) -> None:
    """Ask for a file without fetching it: the only proof of access, since gated repositories list their files.

    Raises:
        As :func:`read_file`.
    """
    from huggingface_hub import hf_hub_url

    url = hf_hub_url(repo.name, path, repo_type=repo.kind, revision=repo.revision)
    with naming_failures(repo):
        retried(lambda: client().get_hf_file_metadata(url=url, timeout=TIMEOUT_SECONDS))
