"""The token that may write to a leaderboard on the Hub, and names for what goes wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchy import hub
from benchy.config import UploadConfig
from benchy.errors import AccessDenied, NetworkError, UploadFailed, causes
from benchy.hub import Repo, naming_failures
from benchy.leaderboard.stores.brought import load_brought
from benchy.masking import remember_secret

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def require_write_access(upload: UploadConfig) -> None:
    """Check now what would else fail after the evaluation: the store is there; the data set can be written, or made.

    Not everything shows before the first commit: a fine-grained token may lack a permission that the Hub does not list.

    Raises:
        ConfigError: another package's store cannot be loaded.
        AccessDenied: no token, one that is not valid, or one that may not write there.
        NetworkError: the Hub cannot be reached, or ``HF_HUB_OFFLINE`` is set.
    """
    load_brought(upload)
    name = upload.data_set
    if name is None:
        return
    if hub.is_offline():
        raise NetworkError(
            f"HF_HUB_OFFLINE is set, so nothing can be published to {upload.to}",
            hint='unset it, or drop "upload" from the config and run `benchy upload` later',
            transient=False,
        )
    api = writing_client(upload, upload_token(upload))
    with naming_write_failures(name, upload.token_env):
        if hub.retried(lambda: api.repo_exists(name, repo_type="dataset")):
            hub.retried(lambda: api.auth_check(name, repo_type="dataset", write=True))
        else:
            _require_namespace(hub.retried(api.whoami), name, upload.token_env)


def upload_token(upload: UploadConfig) -> str | None:
    """Return the token for uploads of this user's environment; None for a folder, and where the variable is not set."""
    if upload.folder is not None:
        return None
    token = os.environ.get(upload.token_env, "").strip()
    remember_secret(token)
    return token or None


def writing_client(upload: UploadConfig, token: str | None) -> HfApi:
    """huggingface_hub's client with the token for uploads.

    Raises:
        AccessDenied: there is none.
    """
    from huggingface_hub import HfApi

    if not token:
        raise AccessDenied(
            f"no token to write to {upload.to}: {upload.token_env} is not set",
            hint=f"set {upload.token_env} to a token that may write there; HF_TOKEN, which the model's code can read, "
            "should only read",
        )
    return HfApi(token=token, library_name="benchy")


@contextmanager
def naming_write_failures(name: str, token_env: str, *, kind: Any = "dataset") -> Iterator[None]:
    """As :func:`benchy.hub.failures.naming_failures`; refusals name the variable that holds the token."""
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    repo = Repo(name, kind=kind, missing=UploadFailed)
    with naming_failures(repo):
        try:
            yield
        except (OSError, RepositoryNotFoundError) as error:
            refused = next((cause for cause in causes(error) if isinstance(cause, HfHubHTTPError)), None)
            status = refused.response.status_code if refused else None
            if status == 401:
                raise AccessDenied(
                    f"the Hub does not accept the token in {token_env}",
                    hint=f"make a new one in your settings at the Hub and set {token_env}",
                ) from error
            if status == 403:
                raise _denied(name, token_env, (refused and refused.server_message) or "403") from error
            raise


def _require_namespace(user: dict[str, Any], name: str, token_env: str) -> None:
    """Require that this user may make the data set that is not there yet, at the first upload."""
    owner = name.partition("/")[0]
    if user.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise _denied(name, token_env, "it only reads")
    owners = {user["name"]} | {org["name"] for org in user.get("orgs", ())}
    if owner not in owners:
        raise _denied(name, token_env, f'{user["name"]} is no member of "{owner}"')


def _denied(name: str, token_env: str, reason: str) -> AccessDenied:
    return AccessDenied(
        f"the token in {token_env} may not write to {name}: {reason}",
        hint=f"set {token_env} to a token that may write there",
    )
