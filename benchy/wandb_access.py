"""What Weights & Biases needs of this host, found out before anything starts."""

from __future__ import annotations

import importlib.util
import netrc
import os
from urllib.parse import urlsplit

from benchy.config import WANDB_KEY
from benchy.errors import AccessDenied, ConfigError
from benchy.masking import remember_secret
from benchy.protocol import WandbAccess

PUBLIC_SERVER = "https://api.wandb.ai"
OFFLINE_MODES = {"offline", "dryrun"}


def require_wandb_key() -> None:
    """Check that a key is known here, or that none is needed.

    Raises:
        AccessDenied: it is not.
    """
    access = find_wandb_access()
    if access.mode == "online" and access.api_key is None:
        raise AccessDenied(
            f"no key for Weights & Biases at {access.base_url}: {WANDB_KEY} is not set",
            hint=f'set {WANDB_KEY}, run `wandb login`, set WANDB_MODE=offline, or drop "wandb" from the config',
        )


def require_wandb_package() -> None:
    """Check that this Python has the package ``wandb``.

    Raises:
        ConfigError: it does not.
    """
    if importlib.util.find_spec("wandb") is None:
        raise ConfigError(
            'the config has a section "wandb", but that package is not installed here',
            hint="`pip install wandb`, or drop the section",
        )


def find_wandb_access() -> WandbAccess:
    """Return what this user's environment says, by wandb's own names; the key also as ``wandb login`` stored it."""
    base_url = os.environ.get("WANDB_BASE_URL") or PUBLIC_SERVER
    api_key = os.environ.get(WANDB_KEY, "").strip() or _stored_key(base_url)
    remember_secret(api_key)
    return WandbAccess(
        mode="offline" if os.environ.get("WANDB_MODE") in OFFLINE_MODES else "online",
        base_url=base_url,
        api_key=api_key,
    )


def _stored_key(base_url: str) -> str | None:
    try:
        found = netrc.netrc().authenticators(urlsplit(base_url).hostname or "")
    except (OSError, UnicodeError, netrc.NetrcParseError):
        return None
    return found[2] if found else None
