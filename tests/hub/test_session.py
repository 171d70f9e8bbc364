"""This process's token is found and masked, lent for so long, and the network can be given up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchy.hub import Repo, holding_token, read_file, read_token
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


_GIVE_UP = """
import json, subprocess, sys
import datasets.config
from benchy.errors import NetworkError
from benchy.hub import Repo, go_offline, is_offline, list_files

child = [sys.executable, "-c", "from benchy.hub import is_offline; print(is_offline())"]
before = is_offline(), datasets.config.HF_HUB_OFFLINE, len(list_files(Repo("org/tiny")).files)
go_offline()
try:
    list_files(Repo("org/tiny"))
    said = None
except NetworkError as error:
    said = error.message
after = is_offline(), datasets.config.HF_HUB_OFFLINE
print(json.dumps([before, after, said, subprocess.check_output(child, text=True)]))
"""


def test_offline_this_process_and_what_it_starts_ask_nothing(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    """In a process of its own: nothing goes back online."""
    loopback_hub.add_repository("org/tiny")
    done = subprocess.run(
        [sys.executable, "-c", _GIVE_UP],
        env=os.environ | loopback_hub.environment(tmp_path / "hf"),
        capture_output=True,
        text=True,
        check=True,
    )
    before, after, said, child = json.loads(done.stdout)
    assert before == [False, False, 1]
    assert after == [True, True]
    assert said.startswith("HF_HUB_OFFLINE is set, and org/tiny is not whole in the cache")
    assert child == "True\n"
    assert loopback_hub.count("/api/models/org/tiny") == 1
