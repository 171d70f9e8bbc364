"""Hostile and damaged files of finished runs, under each command that reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchy.record import Facts
from benchy.results.compare import compare
from benchy.results.scored_run import read_run
from benchy.runs.opening import open_run
from tests.fuzz.hostile import broken, changed, texts, values
from tests.fuzz.sandbox import Sandbox
from tests.records import benchmark, make_config, make_record, make_run_folder, metric

RESULTS_FILE, SAMPLES_FILE = "results_2026-11-01T12-05-00.json", "samples_arc_2026-11-01T12-05-00.jsonl"
COMMANDS = ["compare", "compare", "compare", "resume", "resume", "resume", "upload", "verify"]
"""Those that start no process come up more often."""


OF_LM_EVAL: dict[str, Any] = {
    "configs": {"arc": {"task": "arc", "output_type": "multiple_choice", "metric_list": [{"metric": "acc"}]}},
    "higher_is_better": {"arc": {"acc": True}},
    "versions": {"arc": "1.0"},
    "n-shot": {"arc": 0},
    "n-samples": {"arc": {"original": 2, "effective": 2}},
    "config": {"fewshot_seed": 1234},
    "group_subtasks": {},
    "model_name": "org/model",
}
"""Of a results file, beside the scores."""
DEEP = st.just("[" * 50_000)


@pytest.fixture(scope="module", autouse=True)
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import first what comparing imports, which is no case's own time."""
    one, other = (_finished_run(tmp_path_factory.mktemp(name), name) for name in ("one", "other"))
    assert compare(read_run(one), read_run(other), margin=None, force=False).comparisons


@given(data=st.data())
def test_records(sandbox: Sandbox, data: st.DataObject) -> None:
    folder = _finished_run(sandbox.renewed() / "outputs", "run")
    path = folder / data.draw(st.sampled_from(["record.json", "record.json", RESULTS_FILE, SAMPLES_FILE]))
    path.write_bytes(data.draw(_damaged(path)))
    command = data.draw(st.sampled_from(COMMANDS))
    if command == "compare":
        sandbox.command("compare", str(folder), str(_finished_run(sandbox.case / "others", "other")))
    elif command == "upload":
        sandbox.command("upload", str(folder), "--to", str(sandbox.case / "leaderboard"))
    elif command == "verify":
        sandbox.command("verify", str(folder))
    else:
        sandbox.call(lambda: _go_on(sandbox.case))


def _finished_run(parent: Path, name: str) -> Path:
    part = benchmark("arc", metric(1.0), documents=2, documents_in_all=2, samples_file=SAMPLES_FILE)
    folder = make_run_folder(parent, make_record("org/model", benchmarks=(part,), run_name=name))
    results = json.loads((folder / RESULTS_FILE).read_text("utf-8"))
    (folder / RESULTS_FILE).write_text(json.dumps(results | OF_LM_EVAL), encoding="utf-8")
    return folder


def _damaged(path: Path) -> st.SearchStrategy[bytes]:
    """Return a file with some of its values changed, without the seal that would tell.

    Or with parts of its text broken.
    """
    text = path.read_text("utf-8")
    if path.name == SAMPLES_FILE:
        first, rest = text.split("\n", 1)
        lines = (changed(json.loads(first)) | values).map(lambda row: f"{json.dumps(row)}\n{rest}")
        return (lines | broken(text, texts | DEEP)).map(_to_bytes)
    settings: dict[str, Any] = json.loads(text) | ({"seal": None} if path.name == "record.json" else {})
    edited = (changed(settings) | values).map(json.dumps)
    return (edited | edited | broken(text, texts | DEEP)).map(_to_bytes) | st.binary(max_size=40)


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _go_on(folder: Path) -> None:
    """As `benchy run --resume` finds and opens the run that was cut short."""
    config = make_config("org/model", ["arc"], {"output_path": str(folder / "outputs")}, {})
    config = config.model_copy(update={"logging": config.logging.model_copy(update={"log_dir": str(folder / "logs")})})
    with open_run(config, Facts(), runtime="process", resume=True) as run:
        run.log.write(["gone on with"])
