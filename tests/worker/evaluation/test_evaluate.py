"""The evaluation gives lm-eval's own scores, files and errors."""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchy.config import BenchmarkConfig
from benchy.errors import DiskFull, EvaluationFailed, NotEnoughMemory, TaskNotFound
from benchy.protocol import Evaluation, ModelTest, Phase, Prepare, Progress
from benchy.record import EvaluationResult
from benchy.runtimes.client import Worker
from benchy.runtimes.process import ProcessRuntime
from benchy.worker.evaluation.evaluate import evaluation
from tests.runtimes import A_RUN, launch
from tests.worker.conftest import Events, MakeConfig, prepared_session
from tests.worker.tiny import write_model

DIFFERS = {"date", "start_time", "end_time", "total_evaluation_time_seconds", "pretty_env_info"}
"""The keys of results_*.json that differ between any two runs."""


@pytest.fixture(scope="module")
def lm_eval_run(
    model_folder: Path, task_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., tuple[Any, Any]]:
    """Return what the real command writes: the results, and the samples by benchmark."""

    def run(tasks: str, *flags: str) -> tuple[Any, Any]:
        out = tmp_path_factory.mktemp("plain")
        command = [sys.executable, "-P", "-m", "lm_eval", "run", "--model", "hf", "--tasks", tasks, "--device", "cpu"]
        command += ["--model_args", f"pretrained={model_folder},dtype=float32", "--include_path", str(task_folder)]
        command += ["--batch_size", "4", "--output_path", str(out), "--log_samples", *flags]
        subprocess.run(command, check=True, capture_output=True)
        return read_files(next(out.glob("*")))

    return run


def read_files(folder: Path) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """lm-eval's files in a folder: results, and samples by benchmark."""
    (results,) = folder.glob("results_*.json")
    samples = {
        path.name.split("_20")[0].removeprefix("samples_"): [json.loads(line) for line in path.read_text().splitlines()]
        for path in folder.glob("samples_*.jsonl")
    }
    return json.loads(results.read_text()), samples


def without(results: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in results.items() if key not in keys}


@pytest.mark.parametrize(
    ("flags", "changes"),
    [
        ([], {}),
        (
            ["--limit", "5", "--num_fewshot", "3", "--seed", "7", "--gen_kwargs", "max_gen_toks=5,until=['a','.']"],
            {"limit": 5, "num_fewshot": 3, "seed": 7, "gen_kwargs": "max_gen_toks=5,until=['a','.']"},
        ),
        (
            ["--limit", "0.3", "--apply_chat_template", "--system_instruction", "Be brief."],
            {"limit": 0.3, "apply_chat_template": True, "system_instruction": "Be brief."},
        ),
    ],
    ids=["the benchmarks' own arguments", "limit, few-shot, seed and gen_kwargs", "chat template"],
)
def test_scores_samples_and_results_equal_those_of_the_lm_eval_command(
    make_config: MakeConfig,
    lm_eval_run: Callable[..., tuple[Any, Any]],
    tmp_path: Path,
    flags: list[str],
    changes: dict[str, Any],
) -> None:
    tasks = "tiny,tiny_rolling,tiny_sampled"
    plain_results, plain_samples = lm_eval_run(tasks, *flags)

    config = make_config(tasks, model={"backend": "hf-stock"}, **changes)
    stock = evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / "stock")))
    fast = evaluation(prepared_session(make_config(tasks, **changes)), Evaluation(run_folder=str(tmp_path / "fast")))

    results, samples = read_files(tmp_path / "stock")
    assert set(samples) == {"tiny_choice", "tiny_letter", "tiny_text", "tiny_rolling", "tiny_sampled"}
    assert samples == plain_samples
    assert results["config"] == plain_results["config"]
    assert without(results, DIFFERS) == without(plain_results, DIFFERS)
    assert [one.scoring and one.scoring.way for one in (stock, fast)] == ["stock", "fast"]
    results, samples = read_files(tmp_path / "fast")
    assert results["config"] == plain_results["config"]
    for name, scores in plain_results["results"].items():
        if name == "tiny_rolling":  # perplexities, which are no counts
            assert_equal_but_for_the_last_digits(results["results"][name], scores)
        else:
            assert results["results"][name] == scores
    for name in plain_samples:
        assert_equal_but_for_the_last_digits(samples[name], plain_samples[name])


def assert_equal_but_for_the_last_digits(found: Any, expected: Any, where: str = "") -> None:
    """Everything that is not a fraction is equal; log-likelihoods within 1e-4, or 1e-6 of those of long texts."""
    if isinstance(expected, str) and re.fullmatch(r"-?\d+\.\d+", expected):  # lm-eval writes answers as texts
        assert float(found) == pytest.approx(float(expected), rel=1e-6, abs=1e-4), where
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-4), where
    elif isinstance(expected, dict | list):
        assert type(found) is type(expected)
        assert len(found) == len(expected), where
        for key in expected if isinstance(expected, dict) else range(len(expected)):
            assert_equal_but_for_the_last_digits(found[key], expected[key], f"{where}.{key}")
    else:
        assert found == expected, where


def test_the_result_says_what_the_files_say(make_config: MakeConfig, tmp_path: Path) -> None:
    result = evaluation(prepared_session(make_config(limit=5)), Evaluation(run_folder=str(tmp_path)))

    files, samples = read_files(tmp_path)
    assert [benchmark.name for benchmark in result.benchmarks] == ["tiny_choice", "tiny_letter", "tiny_text"]
    assert [group.name for group in result.groups] == ["tiny"]
    for benchmark in (*result.benchmarks, *result.groups):
        for metric in benchmark.metrics:
            scores = files["results"][benchmark.name]
            assert metric.value == scores[f"{metric.name},{metric.filter}"]
            assert metric.stderr == scores[f"{metric.name}_stderr,{metric.filter}"]
            assert metric.higher_is_better is True
    choice, group = result.benchmarks[0], result.groups[0]
    assert (choice.documents, choice.documents_in_all, choice.num_fewshot) == (5, 12, 2)
    assert (group.documents, group.documents_in_all) == (15, 36)
    assert choice.samples_file is not None
    assert len(samples["tiny_choice"]) == len((tmp_path / choice.samples_file).read_text().splitlines()) == 5
    assert result.requests == 5 * 6 + 5 * 6 + 5
    parts = result.task_build_seconds + result.inference_seconds + result.scoring_seconds
    assert parts > sum(b.seconds.inference + b.seconds.scoring for b in result.benchmarks if b.seconds)


def test_an_undefined_standard_error_is_none(make_config: MakeConfig, tmp_path: Path) -> None:
    result = evaluation(prepared_session(make_config("tiny_rolling")), Evaluation(run_folder=str(tmp_path)))
    (benchmark,) = result.benchmarks
    assert {metric.name: metric.stderr for metric in benchmark.metrics} == {
        "word_perplexity": None,
        "bits_per_byte": None,
    }
    assert all(metric.value is not None and metric.higher_is_better is False for metric in benchmark.metrics)


def test_no_samples_are_written_when_not_asked_for(make_config: MakeConfig, tmp_path: Path) -> None:
    result = evaluation(
        prepared_session(make_config("tiny_choice", log_samples=False)), Evaluation(run_folder=str(tmp_path))
    )
    assert result.benchmarks[0].samples_file is None
    assert not list(tmp_path.glob("samples_*"))


def test_a_second_evaluation_in_one_session_gives_the_same_scores(make_config: MakeConfig, tmp_path: Path) -> None:
    session = prepared_session(make_config())
    first, second = (evaluation(session, Evaluation(run_folder=str(tmp_path / name))) for name in ("first", "second"))
    assert [b.metrics for b in first.benchmarks] == [b.metrics for b in second.benchmarks]
    assert read_files(tmp_path / "first")[1] == read_files(tmp_path / "second")[1]
    assert first.load_seconds is not None
    assert second.load_seconds is None


def test_a_task_that_raises_while_scoring(make_config: MakeConfig, tmp_path: Path) -> None:
    session = prepared_session(make_config("tiny_raises"))
    with pytest.raises(EvaluationFailed, match=r"KeyError: .*no column") as caught:
        evaluation(session, Evaluation(run_folder=str(tmp_path)))
    assert "\n" not in caught.value.message


def test_names_that_are_no_file_names(make_config: MakeConfig, task_folder: Path, tmp_path: Path) -> None:
    """A benchmark called as lm-eval's other file is no matter either: its samples took the place of the results."""
    names = ("own/task", "own%2Ftask", "long" * 60, "results")
    folder = shutil.copytree(task_folder, tmp_path / "tasks")
    for number, name in enumerate(names):
        text = (folder / "tiny_letter.yaml").read_text().replace("task: tiny_letter", f"task: {name}")
        (folder / f"own{number}.yaml").write_text(text)
    config = make_config(",".join(names), include_path=str(folder), limit=2)
    session = prepared_session(config)
    for resumed in (0, 48):
        result = evaluation(session, Evaluation(run_folder=str(tmp_path / "run")))
        assert result.resumed_requests == resumed
        assert {part.name for part in result.benchmarks} == set(names)
        assert result.results_file.startswith("results_")
        assert json.loads((tmp_path / "run" / result.results_file).read_text())["configs"]
        files = [part.samples_file for part in result.benchmarks]
        assert len(set(files)) == 4
        assert all(name and len((tmp_path / "run" / name).read_text().splitlines()) == 2 for name in files)


@pytest.mark.parametrize("yaml", ["group: alone\ntask: own\n", "group: alone\ntask: []\n"])
def test_a_group_of_nothing(make_config: MakeConfig, task_folder: Path, tmp_path: Path, yaml: str) -> None:
    folder = shutil.copytree(task_folder, tmp_path / "tasks")
    (folder / "alone.yaml").write_text(yaml)
    for tasks in ("alone", "tiny_letter,alone"):
        with pytest.raises((EvaluationFailed, TaskNotFound), match="alone") as caught:
            prepared_session(make_config(tasks, include_path=str(folder)))
        assert "task: [NAME, ...]" in caught.value.hint


def test_prompts_are_those_of_the_benchmark_as_it_is(
    make_config: MakeConfig, task_folder: Path, tmp_path: Path
) -> None:
    """lm-eval's own cache of prompts knows neither a benchmark's settings nor its data."""
    folder = shutil.copytree(task_folder, tmp_path / "tasks")
    prompts = []
    for number, word in enumerate(("Answer", "Reply")):
        changed = (folder / "tiny_letter.yaml").read_text().replace("Answer:", f"{word}:")
        (folder / "tiny_letter.yaml").write_text(changed)
        config = make_config("tiny_letter", include_path=str(folder), cache_requests=True, limit=1)
        evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / str(number))))
        ((sample,),) = read_files(tmp_path / str(number))[1].values()
        prompts.append(sample["arguments"]["gen_args_0"]["arg_0"])
    assert [prompt.rpartition("\n")[2] for prompt in prompts] == ["Answer:", "Reply:"]


@pytest.fixture
def worker(make_config: MakeConfig) -> Iterator[tuple[Worker, list[str]]]:
    """Provide a real worker process, and the lines of its log."""
    log: list[str] = []
    worker = Worker(
        ProcessRuntime().start(launch(make_config("tiny_letter"), role="model"), A_RUN, say=print), log.extend
    )
    yield worker, log
    worker.close()


def ask(worker: Worker, config: BenchmarkConfig, folder: Path, events: Events | None = None) -> EvaluationResult:
    """``prepare`` and ``evaluation``."""
    on_event = (events if events is not None else []).append
    worker.request(Prepare(config=config), on_event)
    return worker.request(Evaluation(run_folder=str(folder)), on_event)


def test_a_worker_process_answers_with_progress_and_then_survives_an_error(
    make_config: MakeConfig, worker: tuple[Worker, list[str]], tmp_path: Path
) -> None:
    process, log = worker
    with pytest.raises(EvaluationFailed) as caught:
        ask(process, make_config("tiny_raises"), tmp_path / "first")
    assert "in process_results\n" in caught.value.traceback
    assert caught.value.exit_code == 8

    events: Events = []
    ask(process, make_config("tiny_choice"), tmp_path / "second", events)

    phases = [event.name for event in events if isinstance(event, Phase)]
    assert phases == ["prepare", "download", "task build", "evaluate"]
    bars = [event for event in events if isinstance(event, Progress)]
    assert {bar.label for bar in bars} >= {"building tiny_choice", "evaluation"}
    (part,) = bars[-1].parts
    assert (bars[-1].label, bars[-1].done, bars[-1].total) == ("evaluation", 72, 72)
    assert (part.label, part.done, part.total, part.seconds_left) == ("tiny_choice", 72, 72, 0)
    assert not any("%|" in line for line in log), "bars are events, not lines"


def test_a_full_disk_is_an_error_and_not_a_warning(make_config: MakeConfig, small_disk: Path) -> None:
    session = prepared_session(make_config("tiny_choice"))
    with pytest.raises(DiskFull, match="No space left"):
        evaluation(session, Evaluation(run_folder=str(small_disk)))


def test_a_folder_that_is_a_file(make_config: MakeConfig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    session = prepared_session(make_config("tiny_choice"))
    with pytest.raises(EvaluationFailed, match="File exists"):
        evaluation(session, Evaluation(run_folder=str(tmp_path / "file")))


def test_out_of_memory_halves_the_batch_down_to_one(
    make_config: MakeConfig, worker: tuple[Worker, list[str]], tmp_path: Path
) -> None:
    """The allocator really fails: the scores of one request take 170 MB."""
    process, log = worker
    config = make_config(
        "tiny_choice,tiny_text",
        model={"name": str(write_model(tmp_path / "wide", vocabulary=100_000)), "backend": "hf-stock"},
        batch_size=8,
        limit=4,
    )
    process.request(Prepare(config=config), print)
    assert process.request(ModelTest(), print).generated == "Hello, world!"  # its tokens have no text

    _leave_memory(process, 500 << 20)
    halved = process.request(Evaluation(run_folder=str(tmp_path / "halved")), print)

    assert halved.batch_sizes == (8, 4, 2, 8)
    assert (halved.requests, halved.resumed_requests) == (28, 0)
    expected = evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / "whole")))
    assert expected.batch_sizes == (8, 8)
    assert [b.metrics for b in halved.benchmarks] == [b.metrics for b in expected.benchmarks]

    _leave_memory(process, 20 << 20)
    with pytest.raises(NotEnoughMemory, match=r"with one request a batch: .*allocate") as caught:
        process.request(Evaluation(run_folder=str(tmp_path / "small")), print)
    assert "max_length" in caught.value.hint
    assert [line for line in log if "going on with batches of 1" in line]


def _leave_memory(worker: Worker, left_bytes: int) -> None:
    """Let the worker's address space grow by so much and no more."""
    pid = worker._transport.pid  # type: ignore[attr-defined]
    used = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (used + left_bytes, used + left_bytes))
