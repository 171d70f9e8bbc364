"""Hosts as they are: what was a bug message, 40 s of silence, or a failure after a published run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchy.cli.environment import check_environment
from benchy.errors import BenchyError, ConfigError, DiskFull, as_benchy_error
from benchy.hub import Repo, remember_commit
from benchy.hub.failures import name_failure
from flows.settings import set_prefect_defaults
from tests.commands import benchy, write_config
from tests.disks import mounted


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HF_HUB_DOWNLOAD_TIMEOUT", "abc", "expected whole seconds"),
        ("HF_HUB_ETAG_TIMEOUT", "-1", "expected whole seconds"),
        ("HF_TOKEN", "hf_é", "a character that no token has"),
        ("HTTPS_PROXY", "socks4://127.0.0.1:1", "is no address of a proxy"),
        ("ALL_PROXY", "http://host:port", "is no address of a proxy"),
        ("http_proxy", "http://", "is no address of a proxy"),
        ("HTTP_PROXY", "http://[::1", "is no address of a proxy"),
    ],
)
def test_a_variable_that_no_library_takes_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name) as refused:
        check_environment()
    assert said in refused.value.message
    assert "hf_é" not in f"{refused.value.message}{refused.value.hint}"


def test_no_proxy_is_asked_for_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefect's embedded server was looked for at the proxy."""
    monkeypatch.setenv("ALL_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "intranet")
    monkeypatch.setenv("no_proxy", "")
    check_environment()
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "intranet,127.0.0.1,localhost"


def test_an_empty_address_of_prefects_server_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was asked for 41 s."""
    monkeypatch.setenv("PREFECT_API_URL", "")
    set_prefect_defaults()
    assert "PREFECT_API_URL" not in os.environ


def test_prefects_profiles_that_are_no_toml_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text("active = [broken", encoding="utf-8")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"profiles\.toml cannot be read"):
        set_prefect_defaults()


def test_a_bad_setting_of_prefects_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.settings import Settings

    monkeypatch.setenv("PREFECT_API_REQUEST_TIMEOUT", "abc")
    with pytest.raises(ValueError, match="request_timeout") as refused:
        Settings()
    named = as_benchy_error(refused.value)
    assert type(named) is ConfigError
    assert "Prefect refuses its settings" in named.message


def test_a_terminal_of_another_encoding_is_no_failure(tmp_path: Path) -> None:
    """It raised at the tick, after the run was published."""
    done = benchy("check", write_config(tmp_path), cwd=Path.cwd(), PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("? ")
    failed = benchy("check", "中.yaml", cwd=tmp_path, PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert (failed.returncode, "UnicodeEncodeError" in failed.stderr) == (2, False)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (PermissionError(13, "Permission denied", "/home/ada/.cache/x"), ConfigError, "/home/ada/.cache/x"),
        (OSError(36, "File name too long", "x" * 300), ConfigError, "File name too long"),
        (OSError(30, "Read-only file system", "/hf/refs"), ConfigError, "Read-only file system"),
        (OSError(28, "No space left on device", "/logs/a"), DiskFull, "/logs/a"),
        (FileNotFoundError(2, "No such file or directory", "/x"), BenchyError, "unexpected FileNotFoundError"),
    ],
)
def test_what_this_host_refuses_is_no_bug(error: OSError, kind: type[BenchyError], said: str) -> None:
    named = as_benchy_error(error)
    assert type(named) is kind
    assert said in named.message


def test_a_token_that_may_not_be_read_is_no_trouble_of_the_network() -> None:
    named = name_failure(PermissionError(13, "Permission denied", "/home/ada/.cache/huggingface/token"), Repo("org/m"))
    assert type(named) is ConfigError
    assert "/home/ada/.cache/huggingface/token" in named.message


def test_a_cache_that_is_read_only_needs_no_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A complete cache on a shared mount: `check` died of writing which commit the branch was."""
    with mounted(tmp_path / "hub", "ro") as hub:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub))
        remember_commit(Repo("org/m"), "0" * 40)
        assert list(hub.iterdir()) == []
