"""The real command: what a person types, and what each mistake prints and exits with."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.commands import DEMO, REPOSITORY, assert_refused, benchy, only_record, start_benchy, write_config
from tests.prefect_server import wait_until

BENCHMARKS = {"include_path": [str(REPOSITORY / "tests" / "benchmarks")]}


def assert_failed_run(folder: Path, done: subprocess.CompletedProcess[str], code: int, kind: str, *said: str) -> None:
    """Require a run that began: its record has the error, and its log is named."""
    assert_refused(done, code, kind, *said)
    record = only_record(folder)
    assert record.status == "failed"
    assert record.error is not None
    assert record.error.kind == kind
    assert f"log: {record.log_file}" in done.stderr


@pytest.mark.parametrize(
    ("changes", "code", "kind", "said"),
    [
        ({"evaluation": {"batchsize": 4}}, 2, "ConfigError", 'did you mean "evaluation.batch_size"?'),
        ({"evaluation": {"tasks": "demo_adition"}}, 3, "TaskNotFound", "did you mean demo_addition"),
        ({"evaluation": {"include_path": "nowhere"}}, 3, "TaskNotFound", 'no folder "nowhere"'),
        ({"model": {"name": "./no/model/here"}}, 4, "ModelNotFound", 'no folder "./no/model/here"'),
        ({"model": {"name": str(REPOSITORY / "tests")}}, 4, "ModelNotFound", "holds no config.json"),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_bad_work_is_refused_before_anything_starts(
    tmp_path: Path, command: str, changes: dict[str, Any], code: int, kind: str, said: str
) -> None:
    done = benchy(command, write_config(tmp_path, **changes), cwd=REPOSITORY)
    assert_refused(done, code, kind, said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml"]


def test_check_says_what_would_be_run(tmp_path: Path) -> None:
    done = benchy("check", write_config(tmp_path), cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert "✅" in done.stdout
    assert str(DEMO / "model") in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml"]


def test_a_gpu_that_is_not_there_is_an_error_before_loading(tmp_path: Path) -> None:
    done = benchy("run", write_config(tmp_path, evaluation={"device": "cuda"}), cwd=REPOSITORY)
    assert_failed_run(tmp_path, done, 10, "GpuNotFound", "cuda", 'set evaluation.device to "cpu"')
    assert "Loading weights" not in done.stderr


def test_a_model_that_does_not_load_is_named(tmp_path: Path) -> None:
    broken = shutil.copytree(DEMO / "model", tmp_path / "broken")
    config = json.loads((broken / "config.json").read_bytes())
    (broken / "config.json").write_text(json.dumps(config | {"hidden_size": 2 * config["hidden_size"]}))
    done = benchy("run", write_config(tmp_path, model={"name": str(broken)}), cwd=REPOSITORY)
    assert_failed_run(tmp_path, done, 7, "ModelLoadError", "another shape")


def test_a_benchmark_that_raises_is_an_evaluation_that_failed(tmp_path: Path) -> None:
    config = write_config(tmp_path, evaluation=BENCHMARKS | {"tasks": "failing"})
    done = benchy("run", config, cwd=REPOSITORY)
    assert_failed_run(tmp_path, done, 8, "EvaluationFailed", "the answer is not in this document")
    log = Path(only_record(tmp_path).log_file).read_text(encoding="utf-8")
    assert "Traceback" in log
    assert 'raise KeyError("the answer is not in this document")' in log


def test_run_prints_the_model_test_the_scores_and_where_things_lie(tmp_path: Path) -> None:
    done = benchy("run", write_config(tmp_path), "--limit", "3", cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    record = only_record(tmp_path)
    assert record.is_test
    assert record.run_name.startswith("TEST_")
    assert record.model_test is not None
    block = (
        f"✅ Model test successful: {DEMO / 'model'} (folder)\n"
        f"   Parameters: {record.model_test.parameters:,}\n"
        f"   Size: {record.model_test.size_gb:.2f} GB\n"
        "   Generated: Hello, world!"
    )
    assert block in done.stdout
    assert block in Path(record.log_file).read_text(encoding="utf-8")
    assert record.evaluation is not None
    for benchmark in (*record.evaluation.benchmarks, *record.evaluation.groups):
        assert re.search(rf"^{benchmark.name}\b", done.stdout, re.MULTILINE)
    for place in (record.log_file, f"{record.run_name}/record.json", "leaderboard.html"):
        assert place in done.stdout


@pytest.mark.parametrize("spelling", [("--model_name", "--model_args"), ("--model-name", "--model-args")])
def test_the_model_test_by_hand_needs_no_yaml(tmp_path: Path, spelling: tuple[str, str]) -> None:
    model = DEMO / "model"
    options = [spelling[0], model, spelling[1], f"pretrained={model},dtype=float16", "--device", "cpu"]
    done = benchy("test", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"✅ Model test successful: {model} (folder)\n   Parameters: ")
    (log,) = (tmp_path / "logs").iterdir()
    assert done.stdout.strip() in log.read_text(encoding="utf-8")


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    assert_refused(benchy("evaluate", cwd=tmp_path), 2, "ConfigError", "evaluate")


def test_help_and_version(tmp_path: Path) -> None:
    said = benchy("--help", cwd=tmp_path)
    assert said.returncode == 0
    alone = benchy(cwd=tmp_path)
    assert (alone.returncode, alone.stderr) == (2, said.stdout)
    for command in ("check", "run", "serve", "test", "upload"):
        assert command in said.stdout
    assert benchy("--version", cwd=tmp_path).stdout.startswith("benchy, version ")


def test_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    config = write_config(tmp_path, evaluation=BENCHMARKS | {"tasks": "waiting"})
    running = start_benchy("run", config, cwd=REPOSITORY, through=["nohup"], BENCHY_TEST_GO=str(tmp_path / "go"))
    wait_until(lambda: any("waits" in log.read_text("utf-8") for log in tmp_path.glob("logs/*.log")), seconds=300)
    os.killpg(running.pid, signal.SIGHUP)
    (tmp_path / "go").touch()
    output, _ = running.communicate(timeout=300)
    assert running.returncode == 0, output
