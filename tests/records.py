"""Records of runs that were never run: real ``RunRecord`` objects, and run folders as an evaluation leaves them."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchy.config import LM_EVAL_SEEDS, BenchmarkConfig, Seeds, parse_config
from benchy.leaderboard.exports.base import Publication
from benchy.leaderboard.publication import make_publication
from benchy.leaderboard.publish import Published, publish
from benchy.leaderboard.stores.folder import FolderStore
from benchy.record import (
    BenchmarkResult,
    BenchmarkSeconds,
    Device,
    Environment,
    EvaluationResult,
    Metric,
    ModelIdentity,
    ModelTestResult,
    Questions,
    RunRecord,
    Seconds,
    write_record,
)
from benchy.results.finished import read_finished

FIRST_DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)


def metric(value: float | None, *, name: str = "acc", stderr: float | None = 0.01, **changes: Any) -> Metric:
    """One score."""
    return Metric(
        **{"name": name, "filter": "none", "value": value, "stderr": stderr, "higher_is_better": True} | changes
    )


def asked(text: str, **settings: str) -> Questions:
    """Return what a benchmark asked, by any text: the same text asks the same."""
    return Questions.of(hashlib.sha256(text.encode()).hexdigest(), None, settings)


def benchmark(name: str, *metrics: Metric, **changes: Any) -> BenchmarkResult:
    """Return the scores of one benchmark of 1,000 documents."""
    changes = {"questions": asked(name)} | changes
    fields = {"alias": name, "version": "1.0", "num_fewshot": 0, "documents": 1000, "documents_in_all": 1000}
    seconds = BenchmarkSeconds(task_build=0.5, inference=20.0, scoring=0.1)
    return BenchmarkResult(**{**fields, "name": name, "metrics": metrics, "seconds": seconds, **changes})


def group(name: str, *metrics: Metric, members: tuple[str, ...], **changes: Any) -> BenchmarkResult:
    """Return the scores of a group."""
    return benchmark(name, *metrics, members=members, seconds=None, **changes)


def make_record(
    model: str = "org/alpha",
    scores: dict[str, float] | None = None,
    *,
    benchmarks: tuple[BenchmarkResult, ...] | None = None,
    groups: tuple[BenchmarkResult, ...] = (),
    day: int = 0,
    commit: str | None = None,
    evaluation: dict[str, Any] | None = None,
    model_config: dict[str, Any] | None = None,
    **changes: Any,
) -> RunRecord:
    """Return a finished run of a model, ``day`` days after the first; ``scores`` are accuracies by benchmark."""
    if benchmarks is None:
        benchmarks = tuple(benchmark(name, metric(value)) for name, value in (scores or {"arc_easy": 0.5}).items())
    config = make_config(model, [part.name for part in benchmarks], evaluation or {}, model_config or {})
    run_id = str(changes.pop("run_id", uuid.uuid4()))
    prefix = "TEST_" if config.is_test else ""
    started = FIRST_DAY + timedelta(days=day)
    fields: dict[str, Any] = {
        "run_name": f"{prefix}{model.replace('/', '-').strip('-')}_{started:%Y%m%d-%H%M%S}_{run_id[:8]}",
        "run_id": run_id,
        "status": "evaluated",
        "is_test": config.is_test,
        "started_at": started,
        "ended_at": started + timedelta(minutes=5),
        "benchy_version": "0.1.0",
        "config": config,
        "log_file": "logs/benchy_run.log",
        "model": ModelIdentity(name=model, source="hub", commit=commit or hashlib.sha1(model.encode()).hexdigest()),  # noqa: S324
        "environment": make_environment(),
        "model_test": make_model_test(model),
        "evaluation": make_evaluation(benchmarks, groups, seeds=config.evaluation.seeds),
        "seconds": Seconds(download=3.0, load=1.5, generate=0.2, task_build=1.0, inference=40.0, scoring=0.3),
    }
    return RunRecord(**fields | changes)


def make_config(
    model: str, tasks: list[str], evaluation: dict[str, Any], model_config: dict[str, Any]
) -> BenchmarkConfig:
    """Return the config of such a run."""
    data = {
        "model": {"name": model, "dtype": "float16", **model_config},
        "evaluation": {"tasks": tasks, "device": "cpu", **evaluation},
        "upload": {"to": "leaderboard"},
    }
    return parse_config(data, source="test")


def make_samples(part: BenchmarkResult) -> list[dict[str, Any]]:
    """Return what lm-eval writes about two documents of a benchmark with multiple choice."""
    return [
        {
            "doc_id": number,
            "doc": {"question": f"Where does crow {number} live?", "choices": ["sea", "field"], "answer": 1},
            "target": "1",
            "arguments": {
                f"gen_args_{choice}": {"arg_0": f"Question: Where does crow {number} live?", "arg_1": f" {word}"}
                for choice, word in enumerate(("sea", "field"))
            },
            "resps": [[["-3.9", "False"]], [["-0.1", "True"]]],
            "filtered_resps": [["-3.9", "False"], ["-0.1", "True"]],
            "filter": "none",
            "metrics": [metric.name for metric in part.metrics],
            "doc_hash": "9f5d", "prompt_hash": "6ea3", "target_hash": "6b86",
            **dict.fromkeys((metric.name for metric in part.metrics), 1.0),
        }
        for number in range(2)
    ]  # fmt: skip


def make_environment() -> Environment:
    """One GPU."""
    return Environment(
        packages={"lm_eval": "0.4.13", "torch": "2.13.0", "transformers": "5.24.0"},
        python="3.11.9",
        platform="Linux",
        cpu="A CPU",
        cpu_count=8,
        devices=(Device(kind="cuda", name="A GPU", memory_bytes=80 * 1024**3),),
    )


def make_model_test(model: str) -> ModelTestResult:
    """Return a model of as many parameters as its name says, with every model its own number."""
    parameters = 1_000_000 + int(hashlib.sha256(model.encode()).hexdigest()[:6], 16)
    return ModelTestResult(
        parameters=parameters,
        size_bytes=2 * parameters,
        bytes_by_dtype={"float16": 2 * parameters},
        dtype="float16",
        device="cuda:0",
        load_seconds=1.5,
        generation_seconds=0.2,
        prompt="Hello, world!",
        generated="Hello, world! How are you?",
        tokens=5,
        peak_memory_bytes=3 * parameters,
        peak_memory_of="gpu",
    )


def make_evaluation(
    benchmarks: tuple[BenchmarkResult, ...],
    groups: tuple[BenchmarkResult, ...] = (),
    *,
    seeds: Seeds = LM_EVAL_SEEDS,
) -> EvaluationResult:
    """Return what an evaluation answers."""
    return EvaluationResult(
        benchmarks=benchmarks,
        groups=groups,
        results_file="results_2026-11-01T12-05-00.json",
        requests=4000,
        seeds=seeds,
        batch_sizes=(8,),
        load_seconds=None,
        task_build_seconds=1.0,
        inference_seconds=40.0,
        scoring_seconds=0.3,
    )


def make_run_folder(parent: Path, record: RunRecord) -> Path:
    """Return the run's folder as its evaluation leaves it: the record, and lm-eval's own files."""
    folder = parent / record.run_name
    folder.mkdir(parents=True)
    write_record(record, folder)
    for part in record.evaluation.benchmarks if record.evaluation else ():
        if part.samples_file:
            (folder / part.samples_file).write_text("".join(f"{json.dumps(row)}\n" for row in make_samples(part)))
    if record.evaluation is not None:
        (folder / record.evaluation.results_file).write_text(json.dumps(make_results(record.evaluation), indent=2))
    return folder


def make_results(evaluation: EvaluationResult) -> dict[str, Any]:
    """Return what lm-eval's results file says of the same scores."""
    scores = {part.name: _scores(part) for part in evaluation.benchmarks}
    counts = {part.name: {"effective": part.documents} for part in evaluation.benchmarks}
    return {"results": scores, "groups": {part.name: _scores(part) for part in evaluation.groups}, "n-samples": counts}


def _scores(part: BenchmarkResult) -> dict[str, Any]:
    values = {f"{metric.name},{metric.filter}": metric.value for metric in part.metrics}
    errors = {f"{metric.name}_stderr,{metric.filter}": metric.stderr for metric in part.metrics}
    return {"alias": part.alias, **values, **errors}


def read_publication(folder: Path, aside: Path, *, samples: bool = True) -> Publication:
    """Return what is published of the run in a folder."""
    return make_publication(read_finished(folder), folder, aside, samples=samples)


def publish_in(folder: Path, publication: Publication) -> Published:
    """Publish to a leaderboard in a folder."""
    return publish(publication, FolderStore(folder))


def read_content(content: bytes | Path) -> bytes:
    """Of a published file."""
    return content if isinstance(content, bytes) else content.read_bytes()
