"""Uploads to a loopback Hub through the real worker process: what is there afterwards, whoever else wrote or died."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchy.config import UploadConfig
from benchy.errors import AccessDenied, NetworkError, UploadFailed, WorkerDied
from benchy.leaderboard.board import Board
from benchy.leaderboard.stores.hub_access import upload_token
from benchy.protocol import Upload
from benchy.record import RunRecord, Uploaded, read_record
from benchy.runtimes.client import Worker
from benchy.runtimes.process import ProcessRuntime, ProcessTransport
from tests.hub.faults import Fault
from tests.hub.fixtures import loopback_hub
from tests.hub.repositories import Repository
from tests.hub.server import LoopbackHub
from tests.leaderboard.exports.test_model_card import CONFIGS, add_benchmark
from tests.prefect_server import wait_until
from tests.records import benchmark, make_record, make_run_folder, metric
from tests.runtimes import A_RUN, launch

__all__ = ["loopback_hub"]

COMMIT = "POST /api/datasets/org/board/commit/"


@pytest.fixture
def hub(loopback_hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoopbackHub:
    """Return a Hub where this user may write to what belongs to ``org``."""
    for name, value in loopback_hub.environment(tmp_path / "hf").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HF_UPLOAD_TOKEN", loopback_hub.add_user("ada", role="write", orgs=("org",)))
    return loopback_hub


@contextmanager
def worker() -> Iterator[tuple[Worker, ProcessTransport]]:
    transport = ProcessRuntime().start(launch(make_record().config, role="publish"), A_RUN, say=print)
    started = Worker(transport, lambda _lines: None)
    try:
        yield started, transport
    finally:
        started.close()


def upload(folder: Path, **config: Any) -> Uploaded:
    with worker() as (started, _):
        return started.request(request_of(folder, **config), lambda _event: None)


def request_of(folder: Path, **config: Any) -> Upload:
    """As :func:`benchy.runs.publishing.upload_record` asks it."""
    upload = UploadConfig(to="hf://datasets/org/board", **config)
    return Upload(record=read_record(folder), run_folder=str(folder), config=upload, token=upload_token(upload))


def make_run(tmp_path: Path, model: str = "org/alpha", accuracy: float = 0.5, **changes: Any) -> Path:
    """Return a run's folder, with samples."""
    part = benchmark("arc", metric(accuracy), samples_file="samples_arc_2026-11-01T12-05-00.jsonl")
    return make_run_folder(tmp_path / "outputs", make_record(model, benchmarks=(part,), **changes))


def board_of(hub: LoopbackHub) -> Repository:
    return hub.repositories["dataset", "org/board"]


def require_whole(repository: Repository) -> list[str]:
    """Return the runs of a data set, after a check that it is valid: each run is whole, and on the leaderboard once."""
    files = {path: file.content for path, file in repository.files().items()}
    folders = Counter(path.split("/")[1] for path in files if path.startswith("records/"))
    for folder in folders:
        RunRecord.model_validate_json(files[f"records/{folder}/record.json"])
    assert len(set(folders.values())) <= 1, "each run has as many files as the others"
    if folders:
        board = Board.model_validate_json(files["leaderboard.json"])
        assert board.runs == set(folders)
        rows = [row for table in board.tables for row in table.rows]
        assert files["leaderboard.csv"].decode().count("\n") == len(rows) + 1
        assert all(f"records/{folder}/record.json" in files["leaderboard.html"].decode() for folder in folders)
    return sorted(folders)


def test_a_run_is_one_commit_in_a_private_data_set_that_is_made_for_it(hub: LoopbackHub, tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    uploaded = upload(folder)
    assert (uploaded.already_there, uploaded.rank) == (False, 1)
    assert uploaded.url == f"{hub.endpoint}/datasets/org/board"
    repository = board_of(hub)
    assert repository.private
    assert require_whole(repository) == [folder.name]
    assert hub.count(COMMIT) == 1
    own = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "record.json"}
    there = repository.files()
    assert {name: there[f"records/{folder.name}/{name}"].content for name in own} == own


def test_the_same_run_again_changes_nothing(hub: LoopbackHub, tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    first = upload(folder)
    history = list(board_of(hub).history)
    second = upload(folder)
    assert (second.already_there, second.url, second.rank) == (True, first.url, first.rank)
    assert board_of(hub).history == history
    assert hub.count(COMMIT) == 1


def test_samples_may_be_left_out(hub: LoopbackHub, tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    upload(folder, samples=False)
    files = board_of(hub).files()
    assert not [path for path in files if "samples" in path]
    assert not [path for path, file in files.items() if b"does crow" in file.content]
    record = RunRecord.model_validate_json(files[f"records/{folder.name}/record.json"].content)
    assert record.evaluation is not None
    assert record.evaluation.benchmarks[0].samples_file is None
    assert [config["config_name"] for config in card_of(hub)["configs"]] == ["leaderboard", "results"]


def card_of(hub: LoopbackHub) -> dict[str, Any]:
    """Return the metadata of the card."""
    text = board_of(hub).files()["README.md"].content.decode()
    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    assert found
    card: dict[str, Any] = yaml.safe_load(found[1])
    return card


def test_the_card_shows_tables_that_can_be_read(hub: LoopbackHub, tmp_path: Path) -> None:
    """By the library that the Hub's viewer reads them with."""
    for index in (1, 2):
        upload(make_run(tmp_path, f"org/{index}", index / 4))
    assert [view["config_name"] for view in card_of(hub)["configs"]] == ["leaderboard", "results", "samples"]
    tables = load_tables(os.environ["HF_UPLOAD_TOKEN"])
    assert list(tables) == ["leaderboard", "results", "samples", "default"]
    assert [(row["rank"], row["model"], row["score:arc"]) for row in tables["leaderboard"]] == [
        (1, "org/2", 0.5),
        (2, "org/1", 0.25),
    ]
    assert tables["default"] == tables["leaderboard"]
    assert sorted((row["model"], row["benchmark"], row["metric"], row["value"]) for row in tables["results"]) == [
        ("org/1", "arc", "acc", 0.25),
        ("org/2", "arc", "acc", 0.5),
    ]
    samples = tables["samples"]
    assert len(samples) == 4
    assert json.loads(samples[0]["doc"])["choices"] == ["sea", "field"]
    assert json.loads(samples[0]["scores"]) == {"acc": 1.0}
    assert samples[0]["prompt"] == "Question: Where does crow 0 live?"


LOAD_TABLES = """
import json
from datasets import get_dataset_config_names, load_dataset
names = get_dataset_config_names("org/board")
tables = {name: load_dataset("org/board", name, split="train").to_list() for name in names}
print(json.dumps(tables | {"default": load_dataset("org/board", split="train").to_list()}))
"""


def load_tables(token: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each view, from a process of its own.

    The libraries read the Hub's address when they are imported.
    """
    environment = os.environ | {"HF_TOKEN": token}
    done = subprocess.run([sys.executable, "-c", LOAD_TABLES], env=environment, stdout=subprocess.PIPE, check=True)
    tables: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return tables


def test_what_others_wrote_stays(hub: LoopbackHub, tmp_path: Path) -> None:
    mine = "---\nlicense: mit\nconfigs:\n- config_name: mine\n  data_files: mine.csv\n---\n# About us\n"
    repository = hub.add_repository(
        "org/board",
        {"README.md": mine.encode(), "mine.csv": b"a\n1\n", "records/notes.txt": b"mine"},
        repo_type="dataset",
    )
    upload(make_run(tmp_path))
    files = repository.files()
    assert files["mine.csv"].content == b"a\n1\n"
    assert json.loads(files["leaderboard.json"].content)["unreadable"] == ["notes.txt"]
    assert files["README.md"].content.decode().endswith("# About us\n")
    assert card_of(hub)["license"] == "mit"
    assert [config["config_name"] for config in card_of(hub)["configs"]] == [
        "leaderboard",
        "results",
        "samples",
        "mine",
    ]
    assert not repository.private


def test_records_are_fetched_once_and_anew_where_the_cache_was_changed(hub: LoopbackHub, tmp_path: Path) -> None:
    first = make_run(tmp_path, "org/first", 0.3)
    upload(first)
    upload(make_run(tmp_path, "org/second", 0.2))
    fetched = f"GET /datasets/org/board/resolve/.*/{first.name}/record.json"
    assert hub.count(fetched) == 1
    for blob in (tmp_path / "hf" / "hub" / "datasets--org--board" / "blobs").iterdir():
        blob.write_bytes(blob.read_bytes().replace(b'"value": 0.3', b'"value": 0.9'))
    upload(make_run(tmp_path, "org/third", 0.5))
    assert hub.count(fetched) == 2
    board = Board.model_validate_json(board_of(hub).files()["leaderboard.json"].content)
    assert [row.model for row in board.tables[0].rows] == ["org/third", "org/first", "org/second"]


def test_another_run_of_the_same_name_is_refused(hub: LoopbackHub, tmp_path: Path) -> None:
    upload(make_run(tmp_path, run_name="run"))
    history = list(board_of(hub).history)
    with pytest.raises(UploadFailed, match="holds another run"):
        upload(make_run(tmp_path / "elsewhere", run_name="run"))
    assert board_of(hub).history == history


def test_a_commit_that_comes_between_is_merged(hub: LoopbackHub, tmp_path: Path) -> None:
    upload(make_run(tmp_path, "org/first"))
    other = make_run(tmp_path, "org/other", 0.7)
    done = threading.Event()

    def race() -> None:
        if not done.is_set():
            done.set()
            upload(other)

    hub.faults.add(Fault(COMMIT, before=race, times=1))
    late = upload(make_run(tmp_path, "org/late", 0.6))
    assert (late.already_there, late.rank) == (False, 2)
    assert len(require_whole(board_of(hub))) == 3
    assert [seen.status for seen in hub.seen if "/commit/" in seen.path] == [200, 200, 412, 200]


def test_a_commit_that_is_refused_while_nobody_writes_is_given_up_and_named(hub: LoopbackHub, tmp_path: Path) -> None:
    """It was tried for ten minutes, in silence, and then said that others wrote 60 times."""
    upload(make_run(tmp_path, "org/first"))
    hub.fail(COMMIT, status=412)
    log: list[str] = []
    started = Worker(ProcessRuntime().start(launch(make_record().config, role="publish"), A_RUN, say=print), log.extend)
    with closing(started), pytest.raises(UploadFailed, match="stays its newest") as failed:
        started.request(request_of(make_run(tmp_path, "org/late")), lambda _event: None)
    assert not failed.value.transient
    waits = [line.partition("refused the commit ")[2] for line in log if "refused the commit" in line]
    assert [wait.partition(")")[0] for wait in waits] == [
        "(others wrote at the same time",
        "(it still shows the same newest one",
        "(it still shows the same newest one",
    ]


def test_twenty_uploads_at_the_same_moment_are_twenty_entries(hub: LoopbackHub, tmp_path: Path) -> None:
    """Also the data set is made by one of them."""
    folders = [make_run(tmp_path, f"org/{index}", index / 20) for index in range(20)]
    with ThreadPoolExecutor(20) as pool:
        uploads = list(pool.map(upload, folders))
    assert not any(uploaded.already_there for uploaded in uploads)
    assert require_whole(board_of(hub)) == sorted(folder.name for folder in folders)
    assert len(board_of(hub).history) == 21, "one commit a run, after the one that made the data set"


def test_a_kill_at_any_request_leaves_the_data_set_valid(hub: LoopbackHub, tmp_path: Path) -> None:
    """The data set sees of an upload only its requests, so these are all the moments that there are."""
    upload(make_run(tmp_path, "org/first"))
    folder = make_run(tmp_path, "org/second", 0.7)
    request = 1
    while killed_at(hub, folder, request=request):
        its_commit_arrived = "/commit/" in hub.seen[-1].path
        assert (folder.name in require_whole(board_of(hub))) == its_commit_arrived
        request += 1
    assert request > 5
    assert len(require_whole(board_of(hub))) == 2
    assert hub.count(COMMIT) == 2


def killed_at(hub: LoopbackHub, folder: Path, *, request: int) -> bool:
    """Upload, and kill the worker when its n-th request arrives; whether it made so many."""
    left = request
    seen_before = len(hub.seen)
    with worker() as (started, transport):

        def count_down() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                transport.kill()

        hub.faults.add(Fault("/", before=count_down))
        try:
            started.request(request_of(folder), lambda _event: None)
        except WorkerDied:  # the Hub may still be busy with the last request
            wait_until(lambda: len(hub.seen) >= seen_before + request, seconds=300)
            return True
        finally:
            hub.faults.clear()
    return False


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub: LoopbackHub, tmp_path: Path) -> None:
    upload(make_run(tmp_path, "org/first"))
    hub.cut(COMMIT, after=0, times=1)
    folder = make_run(tmp_path, "org/second", 0.7)
    uploaded = upload(folder)
    assert (uploaded.already_there, uploaded.rank) == (False, 1)
    assert len(require_whole(board_of(hub))) == 2
    assert len(board_of(hub).history) == 3


def test_troubles_that_pass_are_waited_for(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.fail(COMMIT, status=503, times=1)
    hub.fail(COMMIT, status=429, times=1, retry_after=1)
    hub.fail("GET /api/datasets/org/board", status=500, times=1)
    upload(make_run(tmp_path))
    assert [seen.status for seen in hub.seen if "/commit/" in seen.path] == [503, 429, 200]


def test_a_rate_limit_that_stays_is_a_network_error(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.fail(COMMIT, status=429, retry_after=0)
    with pytest.raises(NetworkError, match="limits the rate") as caught:
        upload(make_run(tmp_path))
    assert caught.value.transient
    assert hub.count(COMMIT) == 5


def test_the_models_own_repository_is_offered_the_scores_after_the_leaderboard(
    hub: LoopbackHub, tmp_path: Path
) -> None:
    hub.add_repository("maker/model", {"config.json": b"{}"})
    folder = make_run(tmp_path, "maker/model")
    (results,) = folder.glob("results_*.json")
    add_benchmark(hub)
    results.write_text(json.dumps(json.loads(results.read_text()) | {"configs": {"arc": CONFIGS["arc"]}}))
    hub.fail("POST /api/models/maker/model/commit/", status=403, times=1)
    with pytest.raises(AccessDenied, match="the token in HF_UPLOAD_TOKEN may not write to maker/model"):
        upload(folder, model_card=True)
    assert require_whole(board_of(hub)) == [folder.name]
    later = upload(folder, model_card=True)
    assert later.already_there
    assert later.pull_request == f"{hub.endpoint}/maker/model/discussions/1"


@pytest.mark.parametrize(
    ("token", "said"),
    [
        pytest.param(None, "HF_UPLOAD_TOKEN is not set", id="none"),
        pytest.param("hf_wrong", "does not accept the token in HF_UPLOAD_TOKEN", id="not valid"),
        pytest.param("hf_bobread", "may not write to org/board", id="reads"),
    ],
)
def test_a_refused_token_fails_at_once(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, said: str
) -> None:
    hub.add_user("bob", orgs=("org",))
    hub.add_repository("org/board", repo_type="dataset")
    if token is None:
        monkeypatch.delenv("HF_UPLOAD_TOKEN")
    else:
        monkeypatch.setenv("HF_UPLOAD_TOKEN", token)
    with pytest.raises(AccessDenied, match=said) as caught:
        upload(make_run(tmp_path))
    assert not caught.value.transient
    assert "HF_UPLOAD_TOKEN" in caught.value.hint
    assert not token or token not in caught.value.to_data().model_dump_json()
    assert len(board_of(hub).history) == 1
    assert hub.count(COMMIT) == 0
