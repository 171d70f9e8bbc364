"""Scores that are offered to the model's own repository on a loopback Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import HfApi, parse_eval_result_entries

from benchy.leaderboard.exports.model_card import offer
from benchy.record import RunRecord, read_record, write_record
from tests.hub.fixtures import loopback_hub
from tests.hub.models import tiny_llama
from tests.hub.server import LoopbackHub
from tests.records import benchmark, make_record, make_results, make_run_folder, metric, read_publication

__all__ = ["loopback_hub"]

CONFIGS = {
    "arc": {"dataset_path": "allenai/ai2_arc", "dataset_name": "ARC-Easy", "test_split": "test"},
    "own": {"dataset_path": "json"},
}
BENCHMARK = """
name: ARC
evaluation_framework: {framework}
tasks:
  - {{id: arc-challenge, config: ARC-Challenge, split: test}}
  - {{id: arc-easy, config: ARC-Easy, split: {split}}}
"""


@pytest.fixture(autouse=True)
def _on_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take this process back onto the network, if tests of the worker took it off."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


def run_folder(tmp_path: Path, **changes: Any) -> Path:
    """Return a run on a benchmark of the Hub and on one that is not."""
    parts = (benchmark("arc", metric(0.4), metric(0.5, name="acc_norm"), num_fewshot=3), benchmark("own", metric(0.1)))
    record: RunRecord = make_record("maker/model", benchmarks=parts, **changes)
    folder = make_run_folder(tmp_path / "outputs", record)
    assert record.evaluation is not None
    (folder / record.evaluation.results_file).write_text(
        json.dumps(make_results(record.evaluation) | {"configs": CONFIGS})
    )
    return folder


def add_benchmark(hub: LoopbackHub, framework: str = "lm-evaluation-harness", split: str = "test") -> None:
    """Add the data set as a benchmark of the Hub."""
    content = BENCHMARK.format(framework=framework, split=split)
    hub.add_repository("allenai/ai2_arc", {"eval.yaml": content.encode()}, repo_type="dataset")


def entry_of(hub: LoopbackHub) -> dict[str, Any]:
    """Return the one that the pull request offers."""
    repository = hub.repositories["model", "maker/model"]
    (path,) = set(repository.files("refs/pr/1")) - set(repository.files())
    (entry,) = yaml.safe_load(repository.files("refs/pr/1")[path].content)
    found: dict[str, Any] = entry
    return found


def offered(hub: LoopbackHub, folder: Path) -> str | None:
    """Return the address of the pull request, opened by somebody who is not of the model's organisation."""
    api = HfApi(endpoint=hub.endpoint, token=hub.add_user("ada", role="write", orgs=("org",)))
    return offer(read_publication(folder, folder), "org/board", f"{hub.endpoint}/datasets/org/board", api)


def test_a_pull_request_offers_what_the_hub_can_show(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    repository = loopback_hub.add_repository("maker/model", tiny_llama())
    head = repository.head
    add_benchmark(loopback_hub)
    folder = run_folder(tmp_path, data_sets={"allenai/ai2_arc": "0123abcd"})
    assert offered(loopback_hub, folder) == f"{loopback_hub.endpoint}/maker/model/discussions/1"
    assert repository.head == head
    (path,) = set(repository.files("refs/pr/1")) - set(repository.files())
    assert path.startswith(".eval_results/")
    (entry,) = parse_eval_result_entries(yaml.safe_load(repository.files("refs/pr/1")[path].content))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("allenai/ai2_arc", "arc-easy", 0.5)
    assert entry_of(loopback_hub)["evaluation_framework"] == "lm-evaluation-harness"
    assert entry.dataset_revision == "0123abcd"
    assert (entry.source_url, entry.source_org) == (f"{loopback_hub.endpoint}/datasets/org/board", "org")
    assert entry.notes is not None
    assert entry.notes.startswith("arc: acc_norm, 3-shot, lm-eval 0.4.13, model at ")


def test_a_run_is_offered_once(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    """Also where the answer to the first try was lost."""
    repository = loopback_hub.add_repository("maker/model", tiny_llama())
    add_benchmark(loopback_hub)
    folder = run_folder(tmp_path)
    loopback_hub.cut("POST /api/models/maker/model/commit/", after=0, times=1)
    assert offered(loopback_hub, folder) == offered(loopback_hub, folder)
    assert len(repository.pull_requests) == 1


def test_a_benchmark_of_another_framework_is_not_said_to_be_evaluated_with_it(
    loopback_hub: LoopbackHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loopback_hub.add_repository("maker/model", tiny_llama())
    add_benchmark(loopback_hub, framework="inspect-ai")
    assert offered(loopback_hub, run_folder(tmp_path)) is not None
    entry = entry_of(loopback_hub)
    assert (entry["dataset"]["task_id"], "evaluation_framework" in entry) == ("arc-easy", False)
    assert "asks for inspect-ai" in caplog.text


@pytest.mark.parametrize(
    ("split", "said"), [(None, "has no eval.yaml"), ("train", "names 0 tasks of this subset and split")]
)
def test_a_score_that_the_hub_knows_no_task_for_is_left_out_and_named(
    loopback_hub: LoopbackHub, tmp_path: Path, caplog: pytest.LogCaptureFixture, split: str | None, said: str
) -> None:
    loopback_hub.add_repository("maker/model", tiny_llama())
    if split is not None:
        add_benchmark(loopback_hub, split=split)
    assert offered(loopback_hub, run_folder(tmp_path)) is None
    assert f"The score of arc is not offered to the model: allenai/ai2_arc {said}" in caplog.text


@pytest.mark.parametrize("changes", [{"evaluation": {"limit": 5}}, {"model": None}])
def test_a_test_and_a_model_of_ones_own_are_not_offered(
    loopback_hub: LoopbackHub, tmp_path: Path, changes: dict[str, Any]
) -> None:
    loopback_hub.add_repository("maker/model", tiny_llama())
    model = changes.pop("model", "as it is")
    folder = run_folder(tmp_path, **changes)
    if model is None:
        record = read_record(folder)
        assert record.model is not None
        own = record.model.model_copy(update={"source": "folder"})
        write_record(record.model_copy(update={"model": own}), folder)
    assert offered(loopback_hub, folder) is None
    assert loopback_hub.count() == 0
