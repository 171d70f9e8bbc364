"""This process's access to the Hub: its token, and whether it may use the network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchy.masking import remember_secret


def is_offline() -> bool:
    """Whether ``HF_HUB_OFFLINE`` forbids all requests: what is in the cache has to do."""
    from huggingface_hub import constants

    return constants.is_offline_mode()


def read_token() -> str | None:
    """Return this user's token: of HF_TOKEN, or of `hf auth login`."""
    from huggingface_hub import get_token

    token = get_token()
    remember_secret(token)
    return token


@contextmanager
def holding_token(token: str | None) -> Iterator[None]:
    """Let this process's Hub client find a token, for so long; model code, which runs later, does not find it."""
    remember_secret(token)
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
