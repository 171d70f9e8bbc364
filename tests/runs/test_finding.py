"""A run is found by its folder, its name, or its model's name on a leaderboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchy.errors import ConfigError
from benchy.hashing import hash_content
from benchy.leaderboard.stores.records import RECEIVED_FILE, RECORDS, Received
from benchy.results.scored_run import ScoredRun
from benchy.runs.finding import WHAT_TO_NAME, found_run
from tests.hub.fixtures import loopback_hub, own_hub
from tests.hub.server import LoopbackHub
from tests.records import make_record, make_results, make_run_folder
from tests.results.runs import write_run

__all__ = ["loopback_hub", "own_hub"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def find(text: str) -> ScoredRun:
    with found_run(text) as run:
        return run


def publish(board: Path, model: str, scores: dict[str, float], **changes: Any) -> str:
    """Put a run where a leaderboard keeps it; its name."""
    record = make_record(model, scores, **changes)
    assert record.evaluation is not None
    made = make_run_folder(board / "records", record)
    results = {
        **make_results(record.evaluation),
        "configs": {name: {"task": name} for name in scores},
        "higher_is_better": {name: {"acc": True} for name in scores},
        "versions": dict.fromkeys(scores, 1.0),
        "n-shot": dict.fromkeys(scores, 0),
    }
    (made / record.evaluation.results_file).write_text(json.dumps(results), encoding="utf-8")
    return record.run_name


@pytest.mark.parametrize("text", ["elsewhere/org", "outputs/mine", "mine", "~/runs/home"])
def test_a_folder_or_a_name_below_outputs_is_a_run(here: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HOME", str(here))
    for folder in ("elsewhere/org", "outputs/mine", "runs/home"):
        write_run(here / folder, {"arc": [1.0, 0.0]})
    run = find(text)
    assert run.label == Path(text).name
    assert dict(run.benchmarks["arc"].values) == {"acc,none": 0.5}


@pytest.mark.parametrize("text", ["nowhere", "outputs", "", ".", "board:org/alpha", "a:b"])
def test_what_is_no_run_is_refused_with_what_may_be_named(here: Path, text: str) -> None:
    (here / "outputs").mkdir()
    with pytest.raises(ConfigError) as refused:
        find(text)
    assert (refused.value.message, refused.value.hint) == (f'"{text}" is no run that can be found here', WHAT_TO_NAME)


@pytest.fixture
def board(here: Path) -> Path:
    """Provide a leaderboard of two models; the first was measured twice."""
    publish(here / "board", "org/alpha", {"arc": 0.25, "piqa": 0.5})
    publish(here / "board", "org/alpha", {"arc": 0.75}, day=1)
    publish(here / "board", "org/beta", {"arc": 0.6}, day=2)
    publish(here / "board", "org/beta", {"arc": 0.1}, day=3, evaluation={"limit": 5})
    return here / "board"


def receive(board: Path, *names: str) -> None:
    """Note that a leaderboard received these runs, in this order."""
    hashes = {name: hash_content((board / RECORDS / name / "record.json").read_bytes()) for name in names}
    (board / RECEIVED_FILE).write_bytes(Received(runs=hashes).to_bytes())


def score(run: ScoredRun, benchmark: str) -> float:
    return run.benchmarks[benchmark].values["acc,none"]


@pytest.mark.usefixtures("board")
def test_a_model_of_a_leaderboard_has_the_newest_score_of_each_benchmark(here: Path) -> None:
    for text in ("board:org/alpha", f"{here}/board:org/alpha"):
        run = find(text)
        assert run.label == "org/alpha"
        assert (score(run, "arc"), score(run, "piqa")) == (0.75, 0.5)
    assert score(find("board:org/beta"), "arc") == 0.6, "a test is never a model's score"


def test_a_run_of_a_leaderboard_is_found_by_its_name(board: Path) -> None:
    name = publish(board, "org/gamma", {"arc": 0.4}, day=4, evaluation={"limit": 5})
    run = find(f"board:{name}")
    assert (score(run, "arc"), run.is_test) == (0.4, True)


@pytest.mark.usefixtures("board")
@pytest.mark.parametrize(
    ("name", "there"), [("org/alhpa", "org/alpha"), ("org/bet", "org/beta"), ("zzz", "org/alpha, org/beta")]
)
def test_a_model_that_is_not_there_is_offered_with_those_that_are(name: str, there: str) -> None:
    with pytest.raises(ConfigError) as refused:
        find(f"board:{name}")
    assert refused.value.message == f'no run of "{name}" on that leaderboard: board:{name}'
    assert refused.value.hint.startswith(f"there are {there}")


def test_records_that_cannot_be_read_are_passed_over(board: Path) -> None:
    for number, content in enumerate(["{", "[]", ""]):
        folder = board / "records" / f"odd-{number}"
        folder.mkdir()
        (folder / "record.json").write_text(content, encoding="utf-8")
    assert score(find("board:org/alpha"), "arc") == 0.75


def test_what_the_leaderboard_received_last_counts_whatever_a_clock_said(here: Path) -> None:
    """A record that says that it ended in the year 9999 was the base of every gate."""
    forged = publish(here / "board", "org/alpha", {"arc": 0.1}, day=365 * 1000)
    honest = publish(here / "board", "org/alpha", {"arc": 0.75}, day=1)
    receive(here / "board", forged, honest)
    assert score(find("board:org/alpha"), "arc") == 0.75


def test_a_record_that_was_changed_does_not_count_and_is_named(board: Path) -> None:
    name = publish(board, "org/gamma", {"arc": 0.4})
    receive(board, name)
    path = board / "records" / name / "record.json"
    path.write_text(path.read_text().replace("0.4", "0.9"), encoding="utf-8")
    with pytest.raises(ConfigError, match='no run of "org/gamma"'):
        find("board:org/gamma")
    with pytest.raises(ConfigError, match="does not count: its record was changed since it was published"):
        find(f"board:{name}")


def test_an_empty_leaderboard_has_none(here: Path) -> None:
    (here / "board" / "records").mkdir(parents=True)
    with pytest.raises(ConfigError) as refused:
        find("board:org/alpha")
    assert refused.value.hint == "there are none"


@pytest.mark.parametrize("separator", [":", "/"])
def test_a_data_set_of_the_hub_is_a_leaderboard(own_hub: LoopbackHub, board: Path, separator: str) -> None:
    own_hub.add_repository("org/board", board, repo_type="dataset")
    run = find(f"hf://datasets/org/board{separator}org/alpha")
    assert (score(run, "arc"), score(run, "piqa")) == (0.75, 0.5)


@pytest.mark.parametrize("text", ["hf://datasets/org/board", "hf://org/board:m", "hf://datasets/board:m", "hf://"])
def test_an_address_without_a_model_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        find(text)
    assert refused.value.message == f'"{text}" names no run of a dataset'
    assert refused.value.hint == "write hf://datasets/ORG/NAME:MODEL"


def test_what_was_fetched_is_gone_after_the_block(own_hub: LoopbackHub, board: Path) -> None:
    own_hub.add_repository("org/board", board, repo_type="dataset")
    with found_run("hf://datasets/org/board:org/beta") as run:
        places = {path.parent for path in run.benchmarks["arc"].files}
        assert [place.is_dir() for place in places] == [True]
    assert [place.exists() for place in places] == [False]
