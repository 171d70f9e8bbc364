"""Names for all that goes wrong on the Hugging Face Hub: errors of the tree, each with what to do."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchy.errors import AccessDenied, BenchyError, DiskFull, NetworkError, causes, is_disk_full, refused_by_host
from benchy.hub.cache import cache_folder
from benchy.hub.repository import Repo, client

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError


@contextmanager
def naming_failures(repo: Repo) -> Iterator[None]:
    """Raise what huggingface_hub raises inside as an error of the tree, with what to do about it."""
    import httpx2
    from huggingface_hub.errors import HFValidationError, RevisionResolutionError

    try:
        yield
    except BenchyError:
        raise
    except (OSError, httpx2.HTTPError, HFValidationError, RevisionResolutionError) as error:
        raise name_failure(error, repo) from error


def name_failure(error: BaseException, repo: Repo) -> BenchyError:
    """Return the error of the tree for what huggingface_hub raised about a repository.

    What could not be fetched is often wrapped in a ``LocalEntryNotFoundError``: the cause says more.
    """
    from huggingface_hub import errors

    for cause in causes(error):
        for kind, name in _names():
            if isinstance(cause, kind):
                return name(cause, repo)
        if isinstance(cause, OSError) and not is_disk_full(cause) and (refused := refused_by_host(cause)):
            return refused
        if is_disk_full(cause):
            return DiskFull(f"no space left in {cache_folder()} for {repo.name}")
    if isinstance(error, errors.LocalEntryNotFoundError | errors.RevisionResolutionError):
        return _not_cached(error, repo)
    return NetworkError(f"{repo.name} could not be fetched: {type(error).__name__}: {_first_line(error)}")


def _names() -> tuple[tuple[type[Exception], Callable[[Any, Repo], BenchyError]], ...]:
    """Return the error of the first kind that fits: a ``GatedRepoError`` is a ``RepositoryNotFoundError`` too."""
    import httpx2
    from huggingface_hub import errors

    return (
        (errors.GatedRepoError, _gated),
        (errors.DisabledRepoError, _disabled),
        (errors.RevisionNotFoundError, _no_revision),
        (errors.RepositoryNotFoundError, _no_repository),
        (errors.RemoteEntryNotFoundError, _no_file),
        (errors.HfHubHTTPError, _by_status),
        (errors.HFValidationError, _no_name),
        (errors.OfflineModeIsEnabled, _not_cached),
        (httpx2.TransportError, _unreachable),
    )


def _gated(_error: Exception, repo: Repo) -> BenchyError:
    from huggingface_hub import get_token

    if get_token() is None:
        return AccessDenied(
            f"{repo.name} is gated, and no token was given",
            hint=f"accept its terms at {repo.page}, then set HF_TOKEN or run `hf auth login`",
        )
    return AccessDenied(
        f"{repo.name} is gated, and {_token_owner()} has no access to it",
        hint=f"accept its terms at {repo.page} with that account (some owners then grant access by hand)",
    )


def _token_owner() -> str:
    """Whose token it is, if the Hub says so at once."""
    import httpx2

    try:
        return f'the account "{client().whoami()["name"]}"'
    except (OSError, httpx2.HTTPError):
        return "the account of this token"


def _disabled(_error: Exception, repo: Repo) -> BenchyError:
    return AccessDenied(f"{repo.name} was disabled by the Hub", hint=f"look at {repo.page}")


def _no_file(error: Exception, repo: Repo) -> BenchyError:
    return repo.missing(f"{repo.name} lacks a file: {_first_line(error)}", hint=f"look at {repo.page}")


def _no_name(_error: Exception, repo: Repo) -> BenchyError:
    return repo.missing(f'"{repo.name}" is no name of a repository', hint="names are org/name")


def _no_repository(_error: Exception, repo: Repo) -> BenchyError:
    from huggingface_hub import get_token

    near = _near_names(repo)
    suggestion = f"did you mean {' or '.join(near)}? " if near else ""
    if get_token() is None:
        message = f"the Hub shows no {repo.noun} {repo.name} without a token"
        return repo.missing(message, hint=f"{suggestion}If it is private, set HF_TOKEN or run `hf auth login`")
    message = f"the Hub knows no {repo.noun} {repo.name}, or this token may not see it"
    return repo.missing(message, hint=f"{suggestion}Check the name at {repo.page}")


def _no_revision(_error: Exception, repo: Repo) -> BenchyError:
    import httpx2

    try:
        refs = client().list_repo_refs(repo.name, repo_type=repo.kind)
        names = [ref.name for ref in (*refs.branches, *refs.tags)]
    except (OSError, httpx2.HTTPError):
        names = []
    near = difflib.get_close_matches(repo.revision or "", names, n=3, cutoff=0.4) or names[:5]
    there = f"it has {', '.join(near)}" if near else f"look at {repo.page}"
    return repo.missing(f'{repo.name} has no revision "{repo.revision}"', hint=there)


def _near_names(repo: Repo) -> list[str]:
    """Names on the Hub that look like this one, if its search gives some."""
    import httpx2

    owner, _, short = repo.name.rpartition("/")
    search = client().list_models if repo.kind == "model" else client().list_datasets
    try:
        found = [info.id for word in dict.fromkeys((short, owner)) if word for info in search(search=word, limit=20)]
    except (OSError, httpx2.HTTPError):
        return []
    return difflib.get_close_matches(repo.name, dict.fromkeys(found), n=3, cutoff=0.6)


def _by_status(error: HfHubHTTPError, repo: Repo) -> BenchyError:
    """Where the Hub gave no code of its own."""
    status = error.response.status_code
    return _refused(error, repo) if status in {401, 403, 404} else _in_trouble(error, repo)


def _refused(error: HfHubHTTPError, repo: Repo) -> BenchyError:
    status = error.response.status_code
    if status == 401:
        return AccessDenied(
            f"the Hub does not accept {_token_source()} ({_said(error)})",
            hint="make a new token at https://huggingface.co/settings/tokens and set HF_TOKEN, or unset it",
        )
    if status == 403:
        return AccessDenied(
            f"{_token_source()} may not use {repo.name} ({_said(error)})",
            hint=f"give the token access to {repo.page}, or take another",
        )
    return repo.missing(f"{repo.name}: {_said(error)}", hint=f"look at {repo.page}")


def _in_trouble(error: HfHubHTTPError, repo: Repo) -> BenchyError:
    status = error.response.status_code
    if status == 429:
        return NetworkError(
            f"the Hub limits the rate of requests (429) for {repo.name}",
            hint="wait some minutes; requests with a token (HF_TOKEN) have a higher limit",
        )
    if status >= 500:
        return NetworkError(f"the Hub is in trouble: {status} for {repo.name}", hint="try again in a few minutes")
    hint = _WHAT_TO_DO.get(status, f"look at {repo.page}")
    return NetworkError(f"the Hub answered {status} for {repo.name}: {_said(error)}", hint=hint, transient=False)


_WHAT_TO_DO = {
    402: "it wants to be paid: look at the billing settings of this token's account",
    413: "it is larger than the Hub takes: publish less of it (upload.samples: false)",
}


def _token_source() -> str:
    return "the token in HF_TOKEN" if os.environ.get("HF_TOKEN") else "the token that `hf auth login` stored"


def _said(error: HfHubHTTPError) -> str:
    return error.server_message or f"{error.response.status_code} {error.response.reason_phrase}"


def _unreachable(error: Exception, _repo: Repo) -> BenchyError:
    from huggingface_hub import constants

    return NetworkError(
        f"the Hub at {constants.ENDPOINT} cannot be reached: {type(error).__name__}: {_first_line(error)}",
        hint="check the network, the proxy and HF_ENDPOINT; with HF_HUB_OFFLINE=1 what is in the cache is used",
    )


def _not_cached(_error: BaseException, repo: Repo) -> BenchyError:
    return NetworkError(
        f"HF_HUB_OFFLINE is set, and {repo.name} is not whole in the cache {cache_folder()}",
        hint="unset HF_HUB_OFFLINE to fetch it",
        transient=False,
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0]
