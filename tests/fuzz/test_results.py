"""Hostile data rows, records and answers: what is built from them, published of them, and gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchy.config import parse_config
from benchy.errors import BenchyError
from benchy.leaderboard.stores.folder import publish
from benchy.leaderboard.publication import read_publication
from benchy.worker.answers.store import AnswerStore
from tests.fuzz.hostile import changed, values
from tests.fuzz.sandbox import Sandbox
from tests.records import benchmark, make_record, make_run_folder, make_samples, metric

ROW: dict[str, Any] = {"id": 1, "question": "Which?", "choices": ["a", "b"], "answer": 1, "text": "b"}
ANSWERS: dict[str, Any] = {
    "of": "?",
    "seconds": 0.5,
    "answers": [["key", [-1.5, True]], ["other", "text"]],
    "note": {"a": 1},
}


def _lines(rows: list[Any]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.mark.usefixtures("offline")
@given(data=st.data())
def test_rows(sandbox: Sandbox, data: st.DataObject) -> None:
    from benchy.worker.harness.benchmarks import build_tasks

    tasks = sandbox.renewed() / "tasks"
    tasks.mkdir()
    rows: list[Any] = [ROW, data.draw(changed(ROW) | values), ROW]
    (tasks / "rows.jsonl").write_bytes(data.draw(st.just(_lines(rows)) | st.binary(max_size=30)))
    task = {
        "task": "own", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(tasks / "rows.jsonl")}},
        "test_split": "test", "output_type": "multiple_choice", "doc_to_text": "{{question}}",
        "doc_to_choice": "{{choices}}", "doc_to_target": data.draw(st.sampled_from(["answer", "{{answer}}", "{{choices.index(text)}}"])),
        "metric_list": [{"metric": "acc"}],
    }  # fmt: skip
    (tasks / "own.yaml").write_text(json.dumps(task), encoding="utf-8")
    evaluation = {"tasks": "own", "include_path": str(tasks), "device": "cpu"}
    config = parse_config({"model": {"name": "m"}, "evaluation": evaluation}, source="a test")

    def build() -> None:
        for task in build_tasks(config, {}).loaded["tasks"].values():
            task.build_all_requests()

    sandbox.call(build)


@given(data=st.data())
def test_records(sandbox: Sandbox, data: st.DataObject) -> None:
    here = sandbox.renewed()
    part = benchmark("own", metric(0.5), samples_file="samples_own.jsonl")
    folder = make_run_folder(here, make_record("org/model", benchmarks=(part,)))
    record = json.loads((folder / "record.json").read_bytes())
    results = json.loads((folder / record["evaluation"]["results_file"]).read_bytes())
    samples: list[Any] = list(make_samples(part))
    file = data.draw(st.sampled_from(["record", "results", "samples"]))
    if file == "record":
        (folder / "record.json").write_bytes(json.dumps(data.draw(changed(record))).encode("utf-8", "surrogatepass"))
    elif file == "results":
        changed_results = data.draw(changed(results) | values)
        (folder / record["evaluation"]["results_file"]).write_bytes(_lines([changed_results]))
    else:
        samples[0] = data.draw(changed(samples[0]) | values)
        (folder / "samples_own.jsonl").write_bytes(_lines(samples))
    board, aside = here / "board", here / "aside"
    aside.mkdir()
    error = sandbox.call(lambda: publish(read_publication(folder, aside), board))
    if error is None or isinstance(error, BenchyError):
        good = make_run_folder(here / "good", make_record("org/good", {"own": 0.25}))
        assert sandbox.call(lambda: publish(read_publication(good, aside), board)) is None


@given(data=st.data())
def test_answers(sandbox: Sandbox, data: st.DataObject) -> None:
    path = sandbox.renewed() / "answers.jsonl"
    store = AnswerStore(path, {"model": "m"})
    store.keep([("key", 1.5)])
    store.close()
    honest = path.read_bytes()
    line = json.loads(honest) | ANSWERS | {"of": json.loads(honest)["of"]}
    foreign = data.draw(st.one_of(changed(line), values).map(lambda found: _lines([found])) | st.binary(max_size=40))
    path.write_bytes(honest + foreign + honest)

    def go_on() -> None:
        again = AnswerStore(path, {"model": "m"})
        assert len(again.take(["key", "key", "other"])) == 3
        again.keep([("key", 2.5)])
        again.close()

    assert sandbox.call(go_on) is None
