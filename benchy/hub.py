"""The Hugging Face Hub: what a repository holds at which commit."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from benchy.errors import ModelLoadError, causes
from benchy.hub_failures import Repo, cache_folder, client, naming_failures
from benchy.record import write_atomically

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling
    from huggingface_hub.utils._safetensors import SafetensorsFileMetadata
    from tenacity import RetryCallState

T = TypeVar("T")

ATTEMPTS = 5
LONGEST_DELAY_SECONDS = 60.0
TIMEOUT_SECONDS = 10.0
"""For one answer about facts; downloads have their own."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of a repository."""

    size: int
    """Bytes."""
    etag: str
    """What the cache names its blob: the content's SHA-256 for an LFS file, else git's SHA-1 of the blob."""


@dataclass(frozen=True)
class Listing:
    """What a repository holds at one commit."""

    commit: str
    files: dict[str, RemoteFile]
    """By path."""


def is_offline() -> bool:
    """Whether ``HF_HUB_OFFLINE`` forbids all requests: what is in the cache has to do."""
    from huggingface_hub import constants

    return constants.is_offline_mode()


def read_token() -> str | None:
    """This user's: of HF_TOKEN, or of `hf auth login`."""
    from huggingface_hub import get_token

    return get_token()


@contextmanager
def holding_token(token: str | None) -> Iterator[None]:
    """Let this process's Hub client find a token, for so long; model code, which runs later, does not find it."""
    if token is not None:
        os.environ["HF_TOKEN"] = token
    try:
        yield
    finally:
        os.environ.pop("HF_TOKEN", None)


def go_offline() -> None:
    """From now on this process, and all that it starts, takes everything from the cache and asks the Hub nothing."""
    from huggingface_hub import constants

    os.environ["HF_HUB_OFFLINE"] = "1"
    constants.HF_HUB_OFFLINE = True
    if "datasets" in sys.modules:  # it made a copy when it was imported
        vars(sys.modules["datasets.config"])["HF_HUB_OFFLINE"] = True


def list_files(repo: Repo) -> Listing:
    """The commit that the revision stands for now, and its files.

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


def blob_path(repo: Repo, file: RemoteFile) -> Path:
    """Where the cache keeps a file's content."""
    return repository_folder(repo) / "blobs" / file.etag


def repository_folder(repo: Repo) -> Path:
    """The repository's part of the cache."""
    from huggingface_hub.file_download import repo_folder_name

    return cache_folder() / repo_folder_name(repo_id=repo.name, repo_type=repo.kind)


def read_header(repo: Repo, path: str, file: RemoteFile) -> SafetensorsFileMetadata:
    """The header of a safetensors file: from the cache, or else with a range request, 100 kB mostly.

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
    except SafetensorsParsingError as error:
        raise ModelLoadError(f"{path} of {repo.name} is damaged: {error}", hint=f"look at {repo.page}") from error


def remember_commit(repo: Repo, commit: str) -> None:
    """Note in the cache what the revision stood for, so that :func:`cached_commit` knows it without the network."""
    from huggingface_hub import constants

    revision = repo.revision or constants.DEFAULT_REVISION
    if revision == commit:
        return
    path = repository_folder(repo) / "refs" / revision
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, commit)


def cached_commit(repo: Repo) -> str:
    """The commit that the revision stood for when it was fetched last.

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


def retried(call: Callable[[], T]) -> T:
    """The call's value; tried again after growing delays, or the server's ``Retry-After``, if that may help.

    Refused credentials and missing things are never asked for twice.
    """
    from tenacity import Retrying, retry_if_exception, stop_after_attempt

    for attempt in Retrying(
        retry=retry_if_exception(may_pass), wait=_delay, stop=stop_after_attempt(ATTEMPTS), reraise=True
    ):
        with attempt:
            return call()
    raise AssertionError("unreachable")


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed a little later: 408, 429, 5xx, a dropped or slow connection."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    for cause in causes(error):
        if isinstance(cause, HfHubHTTPError):
            return cause.response.status_code in {408, 429} or cause.response.status_code >= 500
        if isinstance(cause, httpx2.TransportError):
            return not isinstance(cause, httpx2.ConnectError | httpx2.ProxyError | httpx2.UnsupportedProtocol)
    return False


def _delay(state: RetryCallState) -> float:
    from tenacity import wait_random_exponential

    error = state.outcome.exception() if state.outcome else None
    asked = next((seconds for cause in causes(error) if (seconds := _retry_after(cause)) is not None), None)
    if asked is not None:
        return min(asked, LONGEST_DELAY_SECONDS)
    return 0.5 + wait_random_exponential(multiplier=0.5, max=LONGEST_DELAY_SECONDS)(state)


def _retry_after(error: BaseException) -> float | None:
    response = getattr(error, "response", None)
    value = response.headers.get("Retry-After") if response is not None else None
    return float(value) if value and value.isdigit() else None
