"""This process's token is found and masked, lent for so long, and the network can be given up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchy.errors import NetworkError
from benchy.hub import Repo, go_offline, holding_token, is_offline, list_files, read_file, read_token
from benchy.masking import mask
from tests.hub.fixtures import loopback_hub, own_hub
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub", "own_hub"]


@pytest.mark.usefixtures("own_hub")
def test_nobody_is_logged_in() -> None:
    assert read_token() is None


@pytest.mark.usefixtures("own_hub")
@pytest.mark.parametrize("stored", [True, False])
def test_a_token_is_of_the_variable_or_of_the_login_and_is_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    token = f"odd-token-{'stored' if stored else 'set'}"
    if stored:
        (tmp_path / "hf").mkdir()
        (tmp_path / "hf" / "token").write_text(f"{token}\n", encoding="utf-8")
    else:
        monkeypatch.setenv("HF_TOKEN", token)
    assert read_token() == token
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert mask(f"with {token}") == "with ***"


def test_a_token_is_held_for_so_long(own_hub: LoopbackHub) -> None:
    own_hub.add_repository("org/tiny", {"config.json": b"{}"}).private = True
    own_hub.repositories["model", "org/tiny"].accepted.add("ada")
    token = own_hub.add_user("ada")
    with holding_token(token):
        assert read_file(Repo("org/tiny"), "config.json").read_bytes() == b"{}"
    assert "HF_TOKEN" not in os.environ
    assert read_token() is None
    assert mask(token) == "***"


@pytest.mark.usefixtures("own_hub")
def test_a_token_goes_also_where_something_went_wrong() -> None:
    with pytest.raises(KeyError, match="NOWHERE_AT_ALL"), holding_token("hf_held_token"):
        os.environ["NOWHERE_AT_ALL"]
    assert "HF_TOKEN" not in os.environ


@pytest.mark.usefixtures("own_hub")
def test_no_token_is_held_where_there_is_none() -> None:
    with holding_token(None):
        assert "HF_TOKEN" not in os.environ


def test_offline_nothing_is_asked(own_hub: LoopbackHub) -> None:
    own_hub.add_repository("org/tiny")
    assert list_files(Repo("org/tiny")).files
    assert not is_offline()
    before = len(own_hub.seen)
    go_offline()
    assert is_offline()
    with pytest.raises(NetworkError, match="HF_HUB_OFFLINE is set"):
        list_files(Repo("org/tiny"))
    assert len(own_hub.seen) == before


@pytest.mark.usefixtures("own_hub")
def test_what_is_started_then_is_offline_too() -> None:
    code = "from benchy.hub import is_offline; print(is_offline())"
    said = []
    for _ in range(2):
        said.append(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        go_offline()
    assert said == ["False\n", "True\n"]
