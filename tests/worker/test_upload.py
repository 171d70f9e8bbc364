"""Through the real worker process."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchy.config import UploadConfig
from benchy.errors import UploadFailed, WorkerDied
from benchy.leaderboard.board import Board
from benchy.protocol import Upload
from benchy.record import RunRecord, Uploaded, read_record
from benchy.runtimes.client import Worker
from benchy.runtimes.process import ProcessRuntime, ProcessTransport
from tests.records import make_record, make_run_folder
from tests.runtimes import A_RUN, launch


@contextmanager
def worker(log: list[str] | None = None) -> Iterator[tuple[Worker, ProcessTransport]]:
    transport = ProcessRuntime().start(launch(make_record().config, role="publish"), A_RUN, say=print)
    started = Worker(transport, log.extend if log is not None else lambda _lines: None)
    try:
        yield started, transport
    finally:
        started.close()


def request_of(folder: Path, leaderboard: Path | str) -> Upload:
    return Upload(record=read_record(folder), run_folder=str(folder), config=UploadConfig(to=str(leaderboard)))


def upload(folder: Path, leaderboard: Path | str, log: list[str] | None = None) -> Uploaded:
    with worker(log) as (started, _):
        return started.request(request_of(folder, leaderboard), lambda _event: None)


def runs_on(leaderboard: Path) -> list[str]:
    board = Board.model_validate_json((leaderboard / "leaderboard.json").read_bytes())
    return sorted(board.runs)


def run_folder(tmp_path: Path, record: RunRecord) -> Path:
    return make_run_folder(tmp_path / "outputs", record)


def test_an_upload_says_where_the_page_is_and_how_the_run_ranks(tmp_path: Path) -> None:
    leaderboard = tmp_path / "leader board"
    upload(run_folder(tmp_path, make_record("org/better", {"arc": 0.9})), leaderboard)
    uploaded = upload(run_folder(tmp_path, make_record("org/worse", {"arc": 0.1})), leaderboard)
    assert uploaded.url == (leaderboard / "leaderboard.html").as_uri()
    assert (uploaded.already_there, uploaded.rank) == (False, 2)


def test_the_same_run_again_is_already_there(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, make_record())
    first, second = (upload(folder, tmp_path / "leaderboard") for _ in range(2))
    assert (first.already_there, second.already_there) == (False, True)
    assert (first.url, first.rank) == (second.url, second.rank)


def test_a_test_has_no_rank(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, make_record(evaluation={"limit": 5}))
    assert folder.name.startswith("TEST_")
    assert upload(folder, tmp_path / "leaderboard").rank is None
    assert runs_on(tmp_path / "leaderboard") == [folder.name]


def test_a_run_without_scores_is_refused(tmp_path: Path) -> None:
    unfinished = make_record(status="tested").model_copy(update={"evaluation": None})
    with pytest.raises(UploadFailed, match="has no scores"):
        upload(run_folder(tmp_path, unfinished), tmp_path / "leaderboard")
    assert not (tmp_path / "leaderboard").exists()


def test_what_is_no_record_is_named_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "leaderboard" / "records" / "mine").mkdir(parents=True)
    log: list[str] = []
    upload(run_folder(tmp_path, make_record()), tmp_path / "leaderboard", log)
    assert any("mine is not shown on the leaderboard" in line for line in log)


def test_workers_at_the_same_moment_lose_nothing(tmp_path: Path) -> None:
    folders = [run_folder(tmp_path, make_record(f"org/{index}", {"arc": index / 10})) for index in range(4)]
    with worker() as (one, _), worker() as (two, _), worker() as (three, _), worker() as (four, _):
        requests = [request_of(folder, tmp_path / "leaderboard") for folder in folders]
        together = list(zip((one, two, three, four), requests, strict=True))
        for started, request in together:
            started.send(request)
        for started, request in together:
            assert not started.receive(request, lambda _event: None).already_there
    assert runs_on(tmp_path / "leaderboard") == sorted(folder.name for folder in folders)


def test_a_worker_that_is_killed_leaves_the_leaderboard_whole(tmp_path: Path) -> None:
    """At random moments of its life; tests/leaderboard/stores/test_folder.py kills at every moment of the writing."""
    leaderboard, delays = tmp_path / "leaderboard", random.Random(7)  # noqa: S311 - no secret
    upload(run_folder(tmp_path, make_record("org/first", {"arc": 0.5})), leaderboard)
    folders = [run_folder(tmp_path, make_record(f"org/{index}", {"arc": index / 10})) for index in range(5)]
    for folder in folders:
        with worker() as (started, transport):
            request = request_of(folder, leaderboard)
            started.send(request)
            time.sleep(delays.uniform(0.2, 0.7))
            transport.kill()
            try:
                started.receive(request, lambda _event: None)
            except WorkerDied as error:
                assert "killed" in error.message  # noqa: PT017 - one that was quicker is fine too
        assert set(runs_on(leaderboard)) <= {path.name for path in (leaderboard / "records").iterdir()}
        assert (leaderboard / "leaderboard.html").read_text().endswith("</html>")
    for folder in folders:
        upload(folder, leaderboard)
    assert len(runs_on(leaderboard)) == len(folders) + 1


def test_an_upload_imports_no_model_code() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'transformers', 'lm_eval', 'datasets', 'prefect')));"
        "import benchy.worker.upload"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
