"""Checks variables of the environment that libraries read when they are imported, or send as they are."""

from __future__ import annotations

import importlib.util
import os
from urllib.parse import urlsplit

from benchy.errors import ConfigError

TIMEOUTS = ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT")
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_UPLOAD_TOKEN")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def check_environment() -> None:
    """Check what would else be a library's error in the middle of something, and repair what can be.

    Raises:
        ConfigError: a variable has a value that no library takes.
    """
    for name in TIMEOUTS:
        if not os.environ.get(name, "0").strip().isdecimal():
            raise ConfigError(
                f'{name} is "{os.environ[name]}"; expected whole seconds', hint=f"set {name}=60, or unset it"
            )
    for name in TOKENS:
        if not os.environ.get(name, "").isascii():
            raise ConfigError(f"{name} holds a character that no token has", hint=f"copy the token into {name} again")
    for name in PROXIES:
        if os.environ.get(name):
            _require_proxy(name, os.environ[name])
    if any(os.environ.get(name) for name in PROXIES):
        _reach_this_host_directly()


def _require_proxy(name: str, value: str) -> None:
    try:
        address = urlsplit(value if "://" in value else f"http://{value}")
        sound = address.scheme in PROXY_SCHEMES and bool(address.hostname) and (address.port or 1) > 0
    except ValueError:
        sound = False
    if sound and address.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ConfigError(f"{name} is a SOCKS proxy, for which a package is missing", hint="pip install socksio")
    if not sound:
        raise ConfigError(
            f"{name} is no address of a proxy",
            hint=f"set it to http://HOST:PORT or socks5://HOST:PORT, or unset {name}",
        )


def _reach_this_host_directly() -> None:
    """Prefect's embedded server is on this host, where no proxy looks for it."""
    said = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = dict.fromkeys([*filter(None, said.split(",")), "127.0.0.1", "localhost"])
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(hosts)
