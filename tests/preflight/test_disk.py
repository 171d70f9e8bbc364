"""There is room for what is fetched, and every folder can be written, before anything starts."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchy.checkpoint.checkpoint import Checkpoint, read_checkpoint
from benchy.checkpoint.source import HubModel, open_folder, open_repository
from benchy.config import BenchmarkConfig, ModelConfig, parse_config
from benchy.errors import ConfigError, DiskFull
from benchy.hub import RemoteFile, Repo
from benchy.preflight.disk import Download, check_download, require_writable
from tests.hub.fixtures import loopback_hub, own_hub
from tests.hub.models import tiny_llama, write_files
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub", "own_hub"]


@pytest.fixture
def on_hub(own_hub: LoopbackHub) -> Checkpoint:
    """Provide a model on the Hub of which only the config is fetched."""
    own_hub.add_repository("org/tiny", tiny_llama())
    return read_checkpoint(ModelConfig(name="org/tiny"), open_repository(Repo("org/tiny")))


def test_a_folder_needs_no_room(tmp_path: Path) -> None:
    source = open_folder(write_files(tiny_llama(), tmp_path / "m"))
    assert check_download(read_checkpoint(ModelConfig(name="m"), source)) == Download(None, 0, 0)


def test_what_is_in_the_cache_is_not_fetched_again(own_hub: LoopbackHub, on_hub: Checkpoint) -> None:
    files = tiny_llama()
    commit = own_hub.repositories["model", "org/tiny"].head
    total = sum(map(len, files.values())) - len(files["README.md"])
    assert check_download(on_hub) == Download(commit, total, total - len(files["config.json"]))
    for path in on_hub.loaded:
        on_hub.source.read(path)
    assert check_download(on_hub) == Download(commit, total, 0)


def test_a_download_that_does_not_fit_is_refused_with_what_it_needs(on_hub: Checkpoint, tmp_path: Path) -> None:
    assert isinstance(on_hub.source, HubModel)
    files = dict(on_hub.source.files) | {"model.safetensors": RemoteFile(2**60, "0" * 64)}
    large = replace(on_hub, source=HubModel(on_hub.source.repo, files))
    with pytest.raises(DiskFull) as refused:
        check_download(large)
    assert refused.value.message.startswith(
        f"org/tiny needs 1,073,741,824.00 GB more in {tmp_path / 'hf' / 'hub'}, which has "
    )
    assert refused.value.message.endswith(" GB free")
    assert refused.value.hint == "free some space, or move HF_HOME to a larger disk"


def configured(folder: Path, **paths: str) -> BenchmarkConfig:
    """Return a config whose folders are below one, but for those that are named."""
    places = {"output_path": "outputs", "log_dir": "logs", "to": "board"} | paths
    output_path, log_dir, to = (
        str(folder / places[key]) if "://" not in places[key] else places[key] for key in places
    )
    data: dict[str, Any] = {
        "model": {"name": "m"},
        "evaluation": {"tasks": "t", "output_path": output_path},
        "logging": {"log_dir": log_dir},
        "upload": {"to": to},
    }
    return parse_config(data, source="test")


def test_folders_that_can_be_made_are_not_made(tmp_path: Path) -> None:
    require_writable(configured(tmp_path, output_path="a/b/c"))
    require_writable(configured(tmp_path, to="hf://datasets/org/board"))
    assert list(tmp_path.iterdir()) == []


KEYS = [("output_path", "evaluation.output_path"), ("log_dir", "logging.log_dir"), ("to", "upload.to")]


@pytest.mark.parametrize(("name", "key"), KEYS)
@pytest.mark.parametrize("below", ["", "/deep/er"])
def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path, name: str, key: str, below: str) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(ConfigError) as refused:
        require_writable(configured(tmp_path, **{name: f"taken{below}"}))
    assert refused.value.message == f'{key}: "{tmp_path / "taken"}" is a file, not a folder'
    assert refused.value.hint == f"set {key} to a folder"


def test_a_link_that_leads_nowhere_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(ConfigError, match="is a file, not a folder"):
        require_writable(configured(tmp_path, log_dir="link"))


_AS_NOBODY = """
import os, sys
from benchy.config import BenchmarkConfig
from benchy.preflight.disk import require_writable
os.geteuid() or os.setresuid(65534, 65534, 65534)
require_writable(BenchmarkConfig.model_validate_json(sys.argv[1]))
"""


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """In another process, since root may write everywhere."""
    config = configured(tmp_path)
    tmp_path.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, config.model_dump_json()], capture_output=True, text=True, check=False
    )
    tmp_path.chmod(0o755)
    assert done.returncode == 1
    assert 'ConfigError: evaluation.output_path: "' in done.stderr
    assert "cannot be written by this user" in done.stderr
    assert "set evaluation.output_path to another folder" in done.stderr
