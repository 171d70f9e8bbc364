"""A whole run that publishes to a loopback Hub."""

from __future__ import annotations

from pathlib import Path

from tests.commands import REPOSITORY, benchy, only_record, write_config
from tests.hub.fixtures import loopback_hub
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]


def test_a_refused_upload_keeps_the_record_and_names_the_command_that_publishes_it(
    loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    """The token loses its right between the check and the upload."""
    upload = {"to": "hf://datasets/org/board", "token_env": "BOARD_TOKEN"}
    config = write_config(tmp_path, upload=upload)
    token = loopback_hub.add_user("ada", role="write", orgs=("org",))
    environment = loopback_hub.environment(tmp_path / "hf") | {"BOARD_TOKEN": token}
    loopback_hub.fail("POST /api/datasets/org/board/commit/", status=403, times=1)

    done = benchy("run", config, cwd=REPOSITORY, seconds=600, **environment)
    record = only_record(tmp_path)
    folder = tmp_path / "outputs" / record.run_name
    assert done.returncode == 5, done.stderr
    assert "AccessDenied: the token in BOARD_TOKEN may not write to org/board" in done.stderr
    options = ("--to", "hf://datasets/org/board", "--token-env", "BOARD_TOKEN")
    assert f"`benchy upload {folder} {' '.join(options)}`" in done.stderr
    assert loopback_hub.count("/commit/") == 1
    assert record.evaluation is not None
    assert record.status == "failed"
    assert token not in "".join(path.read_text() for path in tmp_path.rglob("*") if path.suffix in {".json", ".log"})

    later = benchy("upload", folder, *options, cwd=REPOSITORY, seconds=600, **environment)
    assert later.returncode == 0, later.stderr
    assert f"Leaderboard: {loopback_hub.endpoint}/datasets/org/board" in later.stdout
    files = loopback_hub.repositories["dataset", "org/board"].files()
    assert f"records/{record.run_name}/record.json" in files
