from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from benchy.errors import DiskFull, UploadFailed
from benchy.leaderboard.board import Board
from benchy.record import RunRecord
from tests.disks import fill, mounted
from tests.records import make_record, make_run_folder, publish_in, read_publication

FILES = ["leaderboard.csv", "leaderboard.html", "leaderboard.json"]


def publish_record(record: RunRecord, leaderboard: Path) -> bool:
    """Whether it had been there; through a run's folder beside the leaderboard."""
    folder = leaderboard.parent / "outputs" / record.run_name
    if not folder.is_dir():
        make_run_folder(folder.parent, record)
    return publish_in(leaderboard, read_publication(folder, folder)).already_there


def runs_on(leaderboard: Path) -> list[str]:
    board = Board.model_validate_json((leaderboard / "leaderboard.json").read_bytes())
    return sorted(board.runs)


def content(leaderboard: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and time of change of every file but the lock."""
    files = (path for path in sorted(leaderboard.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(leaderboard)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_a_run_is_stored_with_lm_evals_own_file_unchanged(tmp_path: Path) -> None:
    record, leaderboard = make_record(run_name="run"), tmp_path / "deep" / "leaderboard"
    assert publish_record(record, leaderboard) is False
    assert sorted(path.name for path in leaderboard.iterdir()) == [".lock", *FILES, "received.json", "records"]
    name = "results_2026-11-01T12-05-00.json"
    names = {path.name for path in (leaderboard / "records" / "run").iterdir()}
    assert names == {"record.json", name, f"{record.run_id}.json", "manifest.json"}
    assert (leaderboard / "records/run" / name).read_bytes() == (tmp_path / "deep/outputs/run" / name).read_bytes()
    assert runs_on(leaderboard) == ["run"]


def test_the_same_run_again_changes_nothing(tmp_path: Path) -> None:
    record, leaderboard = make_record(), tmp_path / "leaderboard"
    publish_record(record, leaderboard)
    before = content(leaderboard)
    assert publish_record(record, leaderboard) is True
    assert content(leaderboard) == before


def test_another_run_of_the_same_name_is_refused(tmp_path: Path) -> None:
    leaderboard = tmp_path / "leaderboard"
    publish_record(make_record(run_name="run"), leaderboard)
    before = content(leaderboard)
    other = make_run_folder(tmp_path / "elsewhere", make_record(run_name="run"))
    with pytest.raises(UploadFailed, match="holds another run"):
        publish_in(leaderboard, read_publication(other, other))
    assert content(leaderboard) == before


def test_an_upload_repairs_what_is_missing_or_wrong(tmp_path: Path) -> None:
    record, leaderboard = make_record(), tmp_path / "leaderboard"
    publish_record(record, leaderboard)
    before = {name: data for name, (data, _) in content(leaderboard).items()}
    (leaderboard / "leaderboard.json").write_text("{")
    (leaderboard / "leaderboard.html").unlink()
    (leaderboard / ".incoming" / "run").mkdir(parents=True)
    assert publish_record(record, leaderboard) is True
    assert {name: data for name, (data, _) in content(leaderboard).items()} == before
    assert not (leaderboard / ".incoming").exists()


def test_what_is_no_record_is_named_and_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    leaderboard = tmp_path / "leaderboard"
    publish_record(make_record(run_name="good"), leaderboard)
    (leaderboard / "records" / "notes.txt").write_text("mine")
    (leaderboard / "records" / "newer").mkdir()
    (leaderboard / "records" / "newer" / "record.json").write_text('{"schema_version": 2}')
    with caplog.at_level(logging.WARNING):
        publish_record(make_record(run_name="other"), leaderboard)
    assert runs_on(leaderboard) == ["good", "other"]
    assert (leaderboard / "records" / "notes.txt").read_text() == "mine"
    assert json.loads((leaderboard / "leaderboard.json").read_text())["unreadable"] == ["newer", "notes.txt"]
    assert "notes.txt is not shown" in caplog.text
    assert "newer is not shown" in caplog.text


def test_a_damaged_record_that_the_store_does_not_know_is_not_written_over(tmp_path: Path) -> None:
    record, leaderboard = make_record(run_name="run"), tmp_path / "leaderboard"
    publish_record(record, leaderboard)
    damaged = leaderboard / "records" / "run" / "record.json"
    damaged.write_text("{")
    (leaderboard / "received.json").unlink()  # as on a leaderboard of an older version
    with pytest.raises(UploadFailed, match="its record cannot be read") as caught:
        publish_record(record, leaderboard)
    assert "move it away" in caught.value.hint
    assert damaged.read_text() == "{"


@pytest.mark.parametrize("leaderboard", ["file", "file/leaderboard"])
def test_a_file_in_the_way_is_named(tmp_path: Path, leaderboard: str) -> None:
    (tmp_path / "file").write_text("")
    publication = read_publication(make_run_folder(tmp_path / "outputs", make_record()), tmp_path)
    with pytest.raises(UploadFailed, match=r"file.* is in the way") as caught:
        publish_in(tmp_path / leaderboard, publication)
    assert "set upload.to to a folder" in caught.value.hint


def test_a_full_disk_leaves_the_leaderboard_as_it_was(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=1m") as disk:
        leaderboard = disk / "leaderboard"
        record = make_record(run_name="first")
        publish_in(leaderboard, read_publication(make_run_folder(tmp_path / "outputs", record), tmp_path))
        before = content(leaderboard)
        late = read_publication(make_run_folder(tmp_path / "outputs", make_record(run_name="late")), tmp_path)
        fill(disk / "filler")
        with pytest.raises(DiskFull, match="no space left"):
            publish_in(leaderboard, late)
        assert content(leaderboard) == before
        (disk / "filler").unlink()
        assert not publish_in(leaderboard, late).already_there
        assert runs_on(leaderboard) == ["first", "late"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    publication = read_publication(make_run_folder(tmp_path / "outputs", make_record()), tmp_path)
    with (
        mounted(tmp_path / "disk", "ro") as disk,
        pytest.raises(UploadFailed, match="cannot be written: Read-only file system"),
    ):
        publish_in(disk / "leaderboard", publication)


def test_an_upload_waits_for_the_one_that_holds_the_lock(tmp_path: Path) -> None:
    leaderboard = tmp_path / "leaderboard"
    publish_record(make_record(run_name="first"), leaderboard)
    folder = make_run_folder(tmp_path / "outputs", make_record(run_name="second"))
    with FileLock(leaderboard / ".lock"):
        second = start_publishing(leaderboard, folder)
        assert second.stdout is not None
        assert second.stdout.readline() == "ready\n"
        assert runs_on(leaderboard) == ["first"]
    assert second.wait(timeout=300) == 0
    second.stdout.close()
    assert runs_on(leaderboard) == ["first", "second"]


PUBLISH = """
import sys
from pathlib import Path
from tests.records import publish_in, read_publication
publications = [read_publication(Path(folder), Path(folder)) for folder in sys.argv[2:]]
print("ready", flush=True)
for publication in publications:
    publish_in(Path(sys.argv[1]), publication)
"""


def start_publishing(leaderboard: Path, *folders: Path) -> subprocess.Popen[str]:
    """Return a process that publishes some runs after saying "ready"."""
    command = [sys.executable, "-c", PUBLISH, str(leaderboard), *map(str, folders)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_uploads_at_the_same_moment_lose_nothing(tmp_path: Path) -> None:
    leaderboard = tmp_path / "leaderboard"
    records = [make_record(f"org/{index}", {"arc": index / 20}) for index in range(16)]
    folders = [make_run_folder(tmp_path / "outputs", record) for record in records]
    processes = [start_publishing(leaderboard, *folders[index::4]) for index in range(4)]
    assert [process.wait(timeout=300) for process in processes] == [0, 0, 0, 0]
    for process in processes:
        assert process.stdout is not None
        process.stdout.close()
    names = sorted(record.run_name for record in records)
    assert sorted(path.name for path in (leaderboard / "records").iterdir()) == names
    assert runs_on(leaderboard) == names
    page = (leaderboard / "leaderboard.html").read_text()
    assert all(f"records/{name}/record.json" in page for name in names)
    assert (leaderboard / "leaderboard.csv").read_text().count("\n") == len(names) + 1


KILL_AT_EVERY_MOMENT = """
import os, shutil, signal, sys
from pathlib import Path
from tests.records import publish_in, read_publication

before, folder = Path(sys.argv[1]), Path(sys.argv[2])
left, leaderboard = 0, before

def count_down(event, arguments):
    global left
    if left and event.partition(".")[0] in {"open", "os", "shutil"} and str(leaderboard) in str(arguments):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count_down)
moment, killed = 0, True
while killed:
    moment += 1
    leaderboard = before.with_name(f"moment-{moment}")
    shutil.copytree(before, leaderboard)
    child = os.fork()
    if child == 0:
        left = moment
        publish_in(leaderboard, read_publication(folder, folder))
        os._exit(0)
    killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
"""


def test_a_kill_at_any_moment_leaves_the_leaderboard_whole(tmp_path: Path) -> None:
    """A process kills itself at its first, second, ... look at or change of the leaderboard, until one gets through."""
    before = tmp_path / "leaderboards" / "before"
    publish_record(make_record("org/first", run_name="first"), before)
    folder = make_run_folder(tmp_path / "outputs", make_record("org/second", run_name="second"))
    subprocess.run([sys.executable, "-c", KILL_AT_EVERY_MOMENT, before, folder], timeout=600, check=True)
    moments = sorted(before.parent.glob("moment-*"), key=lambda path: int(path.name.partition("-")[2]))
    assert len(moments) > 20
    finished = files_of(moments[-1])
    old_and_new = {name: {files_of(before).get(name), data} for name, data in finished.items()}
    seen = set()
    for leaderboard in moments[:-1]:
        left = files_of(leaderboard)
        assert all(left.get(name) in either for name, either in old_and_new.items())
        assert ("records/second/record.json" in left) == ("records/second/results_2026-11-01T12-05-00.json" in left)
        seen.add(tuple(sorted(name for name in FILES if left[name] == finished[name])))
        assert publish_in(leaderboard, read_publication(folder, folder)).already_there == (
            "records/second/record.json" in left
        )
        assert files_of(leaderboard) == finished
        assert not (leaderboard / ".incoming").exists()
    assert {0, 1, 2, 3} == {len(renewed) for renewed in seen}, "kills before, between and after the three files"


def files_of(leaderboard: Path) -> dict[str, bytes]:
    """Return what a reader sees."""
    return {name: data for name, (data, _) in content(leaderboard).items() if not name.startswith(".")}


def test_nothing_is_written_through_a_link_that_somebody_planted(tmp_path: Path) -> None:
    record = make_record(run_name="run")
    publish_record(record, tmp_path / "board")
    there, victim = tmp_path / "board" / "records" / "run", tmp_path / "victim"
    there.rename(tmp_path / "elsewhere")
    victim.mkdir()
    (victim / "record.json").write_text("precious")
    there.symlink_to(victim)
    with pytest.raises(UploadFailed, match="is a link, and nothing is written through it"):
        publish_record(record, tmp_path / "board")
    assert [path.name for path in victim.iterdir()] == ["record.json"]
    assert (victim / "record.json").read_text() == "precious"


@pytest.mark.parametrize("name", ["received.json", "leaderboard.json", "leaderboard.csv"])
def test_a_file_of_eight_terabytes_of_nothing_stops_nobody(tmp_path: Path, name: str) -> None:
    """It was read whole: "out of memory", for every upload from then on."""
    publish_record(make_record("org/alpha", run_name="alpha"), tmp_path / "board")
    os.truncate(tmp_path / "board" / name, 8 * 1024**4)
    publish_record(make_record("org/beta", run_name="beta"), tmp_path / "board")
    assert set(runs_on(tmp_path / "board")) == {"alpha", "beta"}
    assert (tmp_path / "board" / name).stat().st_size < 10**6
