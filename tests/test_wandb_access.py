"""The key of Weights & Biases is found where wandb finds it, and its absence is said before anything starts."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from benchy.errors import AccessDenied, ConfigError
from benchy.masking import mask
from benchy.wandb_access import PUBLIC_SERVER, find_wandb_access, require_wandb_key, require_wandb_package

KEY = "0123456789abcdef0123456789abcdef01234567"
OWN = "https://wandb.example.org:8080/path"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a user who never logged in."""
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_MODE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def log_in(home: Path, text: str) -> None:
    """Leave the file that ``wandb login`` writes."""
    (home / ".netrc").write_text(text, encoding="utf-8")
    (home / ".netrc").chmod(0o600)


def test_nothing_set_means_the_public_server_and_no_key() -> None:
    access = find_wandb_access()
    assert (access.mode, access.base_url, access.api_key) == ("online", PUBLIC_SERVER, None)


@pytest.mark.parametrize("written", [KEY, f" {KEY}\n"])
def test_the_variable_is_the_key_and_is_never_shown(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("WANDB_API_KEY", written)
    assert find_wandb_access().api_key == KEY
    assert KEY not in mask(f"the key {KEY} was refused")


@pytest.mark.parametrize(("base_url", "host"), [("", "api.wandb.ai"), (OWN, "wandb.example.org")])
def test_a_login_is_that_of_the_server(home: Path, monkeypatch: pytest.MonkeyPatch, base_url: str, host: str) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", base_url)
    log_in(home, f"machine {host}\n  login user\n  password {KEY}\nmachine other.example.org\n  password no\n")
    access = find_wandb_access()
    assert (access.base_url, access.api_key) == (base_url or PUBLIC_SERVER, KEY)


def test_the_variable_goes_before_the_login(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(home, "machine api.wandb.ai login user password of_the_file\n")
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    assert find_wandb_access().api_key == KEY


@pytest.mark.parametrize("text", ["machine other.example.org login user password no\n", "no netrc at all", ""])
def test_a_file_without_the_server_or_of_another_form_holds_no_key(home: Path, text: str) -> None:
    log_in(home, text)
    assert find_wandb_access().api_key is None


@pytest.mark.parametrize(("mode", "expected"), [("offline", "offline"), ("dryrun", "offline"), ("online", "online")])
def test_the_mode_is_by_wandbs_names(monkeypatch: pytest.MonkeyPatch, mode: str, expected: str) -> None:
    monkeypatch.setenv("WANDB_MODE", mode)
    assert find_wandb_access().mode == expected


def test_a_key_that_is_missing_is_named_with_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", OWN)
    with pytest.raises(AccessDenied) as refused:
        require_wandb_key()
    assert refused.value.message == f"no key for Weights & Biases at {OWN}: WANDB_API_KEY is not set"
    assert "wandb login" in refused.value.hint


@pytest.mark.parametrize(("name", "value"), [("WANDB_API_KEY", KEY), ("WANDB_MODE", "offline")])
def test_a_key_or_no_connection_is_enough(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    require_wandb_key()


def test_the_package_is_asked_for_where_it_is_missing() -> None:
    if importlib.util.find_spec("wandb") is not None:
        require_wandb_package()
        return
    with pytest.raises(ConfigError, match='the config has a section "wandb", but that package is not installed'):
        require_wandb_package()
