"""Which folders of this machine a worker's container sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.errors import ConfigError
from benchy.runtimes.base import RunIdentity
from benchy.runtimes.docker.mounts import MountOption, let_group_write, merge_mounts, mount_for
from benchy.runtimes.launch import Share, launch_of
from tests.runtimes.docker.test_options import config


def test_the_worker_sees_the_folders_that_the_config_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("model", "tasks", "adapter", "more"):
        (tmp_path / folder).mkdir()
    (tmp_path / "more" / "own.yaml").touch()
    settings = config(
        model={"name": "model", "args": {"peft": "adapter", "tokenizer": "a/b"}},
        evaluation={"tasks": ["x", "more/own.yaml"], "include_path": "tasks"},
    )
    run = RunIdentity("r", "1", tmp_path / "outputs" / "r")
    shares = list(launch_of(settings, run.folder, role="model").folders)
    read = {share.path.relative_to(tmp_path).as_posix() for share in shares if not share.writable}
    assert read == {"model", "tasks", "adapter", "more"}
    assert [share.path for share in shares if share.writable] == [run.folder / "worker"]
    fetching = list(launch_of(settings, run.folder, role="fetch").folders)  # it looks whether the weights are whole
    assert fetching == [share for share in shares if not share.writable]


def test_an_upload_sees_the_run_and_the_leaderboard_alone(tmp_path: Path) -> None:
    run = RunIdentity("r", "1", tmp_path / "r")
    own = Share(run.folder, writable=True)
    shares = list(launch_of(config(upload={"to": str(tmp_path / "board")}), run.folder, role="publish").folders)
    assert shares == [own, Share(tmp_path / "board", writable=True)]
    assert list(launch_of(config(upload={"to": "hf://datasets/a/b"}), run.folder, role="publish").folders) == [own]


OWN = [
    MountOption("bind", "/volumes/benchy_state", "/state", writable=True),
    MountOption("bind", "/home/me/configs", "/app/configs"),
]


@pytest.mark.parametrize(
    ("path", "own", "expected"),
    [
        ("/srv/outputs/r", [], MountOption("bind", "/srv/outputs/r", "/srv/outputs/r", writable=True)),
        (
            "/state/outputs/r",
            OWN,
            MountOption("bind", "/volumes/benchy_state/outputs/r", "/state/outputs/r", writable=True),
        ),
        ("/app/configs/m", OWN, MountOption("bind", "/home/me/configs/m", "/app/configs/m", writable=True)),
    ],
)
def test_a_folder_is_mounted_as_the_engine_knows_it(path: str, own: list[MountOption], expected: MountOption) -> None:
    assert mount_for(Share(Path(path), writable=True), own) == expected


def test_a_folder_inside_the_services_own_container_is_an_error() -> None:
    with pytest.raises(ConfigError, match="cannot see"):
        mount_for(Share(Path("/root/model")), OWN)


def test_of_two_mounts_at_one_place_the_writable_one_counts() -> None:
    read, write = MountOption("volume", "v", "/v"), MountOption("volume", "v", "/v", writable=True)
    assert merge_mounts([write, read]) == [write]
    assert merge_mounts([read, write]) == [write]


def test_what_the_worker_writes_to_is_opened_to_our_group_and_no_link_is_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    folder = tmp_path / "outputs"
    folder.mkdir(mode=0o700)
    (folder / "record.json").touch(mode=0o600)
    (folder / "link").symlink_to(secret)
    let_group_write(folder)
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "record.json", secret)] == [0o770, 0o660, 0o600]
