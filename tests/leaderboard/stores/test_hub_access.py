"""`benchy check` asks whether the leaderboard may be written, before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.hub.commands import benchy_on, hub_config
from tests.hub.fixtures import loopback_hub
from tests.hub.models import HEADER_BYTES, tiny_llama
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]


def config(folder: Path, to: str = "hf://datasets/org/board") -> Path:
    path = hub_config(folder)
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"upload": {"to": to}}), encoding="utf-8")
    return path


@pytest.mark.parametrize("exists", [True, False])
def test_a_member_may_write_to_the_organisations_data_set(
    loopback_hub: LoopbackHub, tmp_path: Path, exists: bool
) -> None:
    """Also to one that is not there yet; a check makes none."""
    loopback_hub.add_repository("org/tiny", tiny_llama())
    if exists:
        loopback_hub.add_repository("org/board", repo_type="dataset")
    token = loopback_hub.add_user("ada", role="write", orgs=("org",))
    done = benchy_on(loopback_hub, tmp_path, "check", config(tmp_path), HF_UPLOAD_TOKEN=token)
    assert done.returncode == 0, done.stderr
    assert (("dataset", "org/board") in loopback_hub.repositories) == exists
    assert {seen.user for seen in loopback_hub.seen if "/models/" in seen.path} == {None}


@pytest.mark.parametrize(
    ("exists", "role", "orgs", "said"),
    [
        (True, "read", ("org",), "may not write to org/board: Forbidden"),
        (True, "write", (), "may not write to org/board: Forbidden"),
        (False, "read", ("org",), "may not write to org/board: it only reads"),
        (False, "write", (), 'may not write to org/board: ada is no member of "org"'),
    ],
)
def test_a_token_that_may_not_write_is_refused_before_any_weights_are_fetched(
    loopback_hub: LoopbackHub, tmp_path: Path, exists: bool, role: str, orgs: tuple[str, ...], said: str
) -> None:
    model = loopback_hub.add_repository("org/tiny", tiny_llama())
    if exists:
        loopback_hub.add_repository("org/board", repo_type="dataset")
    token = loopback_hub.add_user("ada", role=role, orgs=orgs)
    done = benchy_on(loopback_hub, tmp_path, "run", config(tmp_path), HF_UPLOAD_TOKEN=token)
    assert done.returncode == 5
    assert f"AccessDenied: the token in HF_UPLOAD_TOKEN {said}" in done.stderr
    assert "→ set HF_UPLOAD_TOKEN to a token that may write there" in done.stderr
    assert loopback_hub.bytes_served(model.files()["model.safetensors"].content) <= HEADER_BYTES


def test_the_token_of_the_model_is_not_taken_for_the_leaderboards(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    token = loopback_hub.add_user("ada", role="write", orgs=("org",))
    done = benchy_on(loopback_hub, tmp_path, "check", config(tmp_path), token=token)
    assert done.returncode == 5
    assert "no token to write to hf://datasets/org/board: HF_UPLOAD_TOKEN is not set" in done.stderr
    assert loopback_hub.count("/datasets/org/board") == 0


def test_a_token_that_is_not_valid_is_said(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    done = benchy_on(loopback_hub, tmp_path, "check", config(tmp_path), HF_UPLOAD_TOKEN="hf_old")  # noqa: S106
    assert done.returncode == 5
    assert "the Hub does not accept the token in HF_UPLOAD_TOKEN" in done.stderr


def test_offline_nothing_can_be_published(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    done = benchy_on(loopback_hub, tmp_path, "check", config(tmp_path), HF_HUB_OFFLINE="1")
    assert done.returncode == 11
    assert "HF_HUB_OFFLINE is set, so nothing can be published" in done.stderr
