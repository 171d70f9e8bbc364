"""The lock under which GPUs are leased: whose folder it may be, and who is waited for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchy.errors import WorkerError
from benchy.runtimes.docker.host_lock import host_lock

GROUP = os.getegid()
NOBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")


def test_the_folder_and_its_file_are_of_the_sockets_group_and_of_nobody_else(tmp_path: Path) -> None:
    with host_lock(tmp_path / "locks", GROUP, print):
        for path in (tmp_path / "locks", tmp_path / "locks" / "gpus.lock"):
            assert path.stat().st_gid == GROUP
            assert path.stat().st_mode & 0o007 == 0


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (target := tmp_path / "target").mkdir(mode=0o755)
    (tmp_path / "locks").symlink_to(target)
    with pytest.raises(WorkerError, match="cannot be used"), host_lock(tmp_path / "locks", GROUP, print):
        pass
    assert target.stat().st_mode & 0o777 == 0o755
    (folder := tmp_path / "folder").mkdir(mode=0o770)
    (secret := tmp_path / "secret").write_text("kept")
    (folder / "gpus.lock").symlink_to(secret)
    with pytest.raises(WorkerError, match="cannot be used"), host_lock(folder, GROUP, print):
        pass
    assert secret.read_text() == "kept"


@AS_ROOT
def test_a_folder_that_somebody_else_made_is_refused_with_whose_it_is(tmp_path: Path) -> None:
    (folder := tmp_path / "locks").mkdir()
    os.chown(folder, NOBODY, NOBODY)
    with pytest.raises(WorkerError, match="it belongs to nobody") as refused, host_lock(folder, GROUP, print):
        pass
    assert f"rm -r {folder}" in refused.value.hint


@AS_ROOT
def test_another_user_of_the_group_may_have_made_it(tmp_path: Path) -> None:
    (folder := tmp_path / "locks").mkdir()
    os.chown(folder, NOBODY, GROUP)
    folder.chmod(0o770)
    with host_lock(folder, GROUP, print):
        pass
    folder.chmod(0o777)
    with pytest.raises(WorkerError, match="everybody can write there"), host_lock(folder, GROUP, print):
        pass


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    code = (
        "import os, sys; from pathlib import Path; from benchy.runtimes.docker.host_lock import host_lock\n"
        "with host_lock(Path(sys.argv[1]), os.getegid(), print):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "locks")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_waiting_says_who_holds_it_and_for_how_long(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    said: list[str] = []
    waiting = threading.Event()

    def log(lines: list[str]) -> None:
        said.extend(lines)
        waiting.set()

    def let_go() -> None:
        assert waiting.wait(60)
        assert holder.stdin is not None
        holder.stdin.close()

    threading.Thread(target=let_go).start()
    with host_lock(tmp_path / "locks", GROUP, log):
        pass
    (line,) = said
    assert line.startswith(f"waiting for the lock of this machine's GPUs, which process {holder.pid} of the user ")
    assert line.endswith(" s")
