"""Prefect's settings that Benchy sets where the user does not."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from benchy.errors import ConfigError

# Read by Prefect when it is imported, which is later, inside the commands that need it.
PREFECT_DEFAULTS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_RUNNER_POLL_FREQUENCY": "2",
    "PREFECT_CLIENT_MAX_RETRIES": "8",  # after 2, 4, 8, ... s: eight minutes of patience with a server that is away
}


def set_prefect_defaults(**more: str) -> None:
    """Set each default that the environment does not set, and what else is given.

    Raises:
        ConfigError: Prefect's profiles cannot be read.
    """
    if not os.environ.get("PREFECT_API_URL", "none"):  # an empty one is none; Prefect asks it for 40 s
        del os.environ["PREFECT_API_URL"]
    _require_profiles()
    for name, value in (PREFECT_DEFAULTS | more).items():
        os.environ.setdefault(name, value)


def _require_profiles() -> None:
    """Prefect only warns of profiles that are no TOML, and raises later."""
    home = os.environ.get("PREFECT_HOME") or "~/.prefect"
    path = Path(os.path.expandvars(os.environ.get("PREFECT_PROFILES_PATH") or f"{home}/profiles.toml")).expanduser()
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        hint = "mend it, or move it away: Prefect makes a new one"
        raise ConfigError(f"Prefect's profiles {path} cannot be read: {error}", hint=hint) from error
