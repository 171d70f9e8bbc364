"""vLLM, real, in the environment of `make vllm`: its answers are plain lm-eval's, its record is as full as that of hf.

vLLM takes a minute or more to load on two cores, so few runs serve all tests of this file.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from benchy.record import WORKER_FOLDER, RunRecord
from benchy.worker.machine.descendants import descendants
from tests.commands import REPOSITORY, benchy, is_running, kill, only_record, start_benchy, worker_pids, write_config
from tests.worker.evaluation.test_evaluate import assert_equal_but_for_the_last_digits, read_files

ENVIRONMENT = REPOSITORY / ".venv-vllm"
MODEL = REPOSITORY / "configs" / "demo" / "wide-model"
pytestmark = [
    pytest.mark.skipif(
        not (ENVIRONMENT / "installed").exists(), reason="vLLM runs in an environment of its own: `make vllm` makes it"
    ),
    pytest.mark.timeout(3600),
]

ARGUMENTS = {"enforce_eager": True, "kv_cache_memory_bytes": 1 << 28}
ROLLING = """\
task: demo_rolling
dataset_path: json
dataset_kwargs:
  data_files:
    test: configs/demo/tasks/demo_counting.jsonl
output_type: loglikelihood_rolling
test_split: test
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list:
  - metric: byte_perplexity
metadata:
  version: 1.0
"""
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
TASKS = ["demo_animals", "demo_addition", "demo_rolling"]
SECONDS_TO_LOAD = 1800.0


def sections(folder: Path, **evaluation: Any) -> dict[str, Any]:
    """Of a config with vLLM."""
    return {
        "model": {"name": str(MODEL), "backend": "vllm", "args": ARGUMENTS},
        "worker": {"python": str(ENVIRONMENT / "bin" / "python")},
        "evaluation": {"batch_size": "auto", "output_path": str(folder / "outputs")} | evaluation,
    }


def samples_of(folder: Path) -> dict[str, list[Any]]:
    """lm-eval's own files of the one run below a folder."""
    (run_folder,) = (folder / "outputs").iterdir()
    return read_files(run_folder)[1]


@pytest.fixture(scope="module")
def with_vllm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demo as configs/vllm-demo.yaml has it."""
    folder = tmp_path_factory.mktemp("vllm")
    done = benchy("run", write_config(folder, **sections(folder)), cwd=REPOSITORY, seconds=2 * SECONDS_TO_LOAD)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def with_hf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same model and benchmarks with transformers."""
    folder = tmp_path_factory.mktemp("hf")
    done = benchy("run", write_config(folder, model={"name": str(MODEL)}), cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def scores(record: RunRecord) -> dict[str, dict[str, float | None]]:
    """By benchmark and metric."""
    assert record.evaluation is not None
    return {one.name: {metric.name: metric.value for metric in one.metrics} for one in record.evaluation.benchmarks}


def test_the_scores_are_those_of_transformers(with_vllm: Path, with_hf: Path) -> None:
    assert_equal_but_for_the_last_digits(scores(only_record(with_vllm)), scores(only_record(with_hf)))
    for name, samples in samples_of(with_hf).items():
        found = samples_of(with_vllm)[name]
        assert_equal_but_for_the_last_digits(
            [sample["filtered_resps"] for sample in found], [sample["filtered_resps"] for sample in samples]
        )


def test_the_record_is_as_full(with_vllm: Path, with_hf: Path) -> None:
    found, expected = only_record(with_vllm), only_record(with_hf)
    assert found.model_test is not None
    assert expected.model_test is not None
    for row in ("parameters", "size_bytes", "bytes_by_dtype", "dtype", "device", "generated", "tokens"):
        assert getattr(found.model_test, row) == getattr(expected.model_test, row), row
    assert found.model_test.peak_memory_bytes > expected.model_test.peak_memory_bytes  # of all its processes
    assert found.environment is not None
    assert found.environment.packages["vllm"].startswith("0.32")


@pytest.fixture(scope="module")
def chatting(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a model with a chat template, and a benchmark that asks for rolling log-likelihoods."""
    folder = tmp_path_factory.mktemp("chatting")
    (folder / "tasks").mkdir()
    (folder / "tasks" / "rolling.yaml").write_text(ROLLING, encoding="utf-8")
    (folder / "model").mkdir()
    for path in MODEL.iterdir():
        (folder / "model" / path.name).symlink_to(path)
    (folder / "model" / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    return {"tasks": folder / "tasks", "model": folder / "model"}


def plain(folder: Path, chatting: dict[str, Path], tasks: Path) -> dict[str, list[Any]]:
    """Return what `lm_eval run --model vllm` answers in the same environment."""
    arguments = ",".join(f"{key}={value}" for key, value in ARGUMENTS.items())
    command = [
        str(ENVIRONMENT / "bin" / "lm_eval"),
        "run",
        "--model",
        "vllm",
        "--tasks",
        ",".join(TASKS),
        "--log_samples",
    ]
    command += ["--model_args", f"pretrained={chatting['model']},dtype=float32,{arguments}", "--batch_size", "auto"]
    command += ["--include_path", str(tasks), "--apply_chat_template", "--output_path", str(folder)]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, cwd=REPOSITORY, env=variables, check=True, capture_output=True, timeout=SECONDS_TO_LOAD)
    return read_files(next(folder.glob("*")))[1]


def test_in_a_chat_template_and_after_a_kill_the_answers_are_plain_lm_evals(
    chatting: dict[str, Path], tmp_path: Path
) -> None:
    demo = REPOSITORY / "configs" / "demo" / "tasks"
    for path in demo.glob("*.yaml"):
        (chatting["tasks"] / path.name).symlink_to(path)
    changes = sections(tmp_path, tasks=TASKS, apply_chat_template=True, include_path=str(chatting["tasks"]))
    changes["model"]["name"] = str(chatting["model"])
    running = start_benchy("run", write_config(tmp_path, **changes), cwd=REPOSITORY)
    worker = wait_for_answers(tmp_path, running)
    engine = descendants(worker)
    assert engine  # vLLM computes in processes of its own
    kill(worker)
    output, _ = running.communicate(timeout=2 * SECONDS_TO_LOAD)
    assert running.returncode == 0, output
    assert not any(map(is_running, engine))
    record = only_record(tmp_path)
    assert record.evaluation is not None
    assert record.evaluation.resumed_requests > 0
    expected = plain(tmp_path / "plain", chatting, chatting["tasks"])
    found = samples_of(tmp_path)
    assert set(found) == set(TASKS)
    for name in TASKS:
        assert_equal_but_for_the_last_digits(found[name], expected[name])


def wait_for_answers(folder: Path, running: subprocess.Popen[str]) -> int:
    """Wait until the worker has kept answers; return its process."""
    until = time.monotonic() + SECONDS_TO_LOAD
    while time.monotonic() < until:
        kept = list((folder / "outputs").glob(f"*/{WORKER_FOLDER}/answers.jsonl"))
        if kept and kept[0].stat().st_size > 0:
            (worker,) = worker_pids(running.pid)
            return worker
        assert running.poll() is None, running.stdout and running.stdout.read()
        time.sleep(0.02)
    raise AssertionError("no answers were kept")
