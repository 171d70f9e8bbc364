"""A metric that a benchmark's code loads while it scores is there before the network goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from benchy.benchmarks.index import index_tasks
from benchy.benchmarks.packages import code_files
from benchy.worker.harness.metrics import fetch_metrics, metrics_in
from tests.commands import REPOSITORY, benchy, write_config

METRIC = """
import datasets
import evaluate
from pathlib import Path

class Own(evaluate.Metric):
    def _info(self):
        Path(__file__).resolve()
        Path({place!r}).touch()
        features = datasets.Features({{"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}})
        return evaluate.MetricInfo(description="", citation="", features=features)

    def _compute(self, predictions, references):
        return {{"own": 1.0}}
"""


def test_it_is_loaded_as_the_benchmark_is_built(tmp_path: Path) -> None:
    """In a worker of its own: the library settles where its cache is as it is imported."""
    loaded = tmp_path / "loaded"
    (tmp_path / "own_metric.py").write_text(METRIC.format(place=str(loaded)))
    (tmp_path / "own.jsonl").write_text(json.dumps({"question": "What?", "choices": ["a", "b"]}) + "\n")
    task = {
        "task": "own",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(tmp_path / "own.jsonl")}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{question}}",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": 0,
    }
    (tmp_path / "own.yaml").write_text(f"{yaml.safe_dump(task)}process_results: !function own_code.score\n")
    (tmp_path / "own_code.py").write_text(
        "import evaluate as hf\n\n\ndef score(doc, results):\n"
        f"    return hf.load({str(tmp_path / 'own_metric.py')!r}).compute(predictions=[1], references=[1])\n"
    )
    config = write_config(tmp_path, evaluation={"tasks": "own", "include_path": str(tmp_path)})
    done = benchy("check", config, "--build", cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert loaded.exists(), done.stdout + done.stderr


@pytest.mark.parametrize(("task", "metric"), [("humaneval", "code_eval"), ("squadv2", "squad_v2")])
def test_those_of_lm_evals_own_library_are_found(task: str, metric: str) -> None:
    path = (index_tasks(()) or {})[task].path
    assert (metric,) in {metric for file in code_files(str(path)) for metric in metrics_in(file)}


def test_each_way_to_call_it_is_understood(tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text(
        "import evaluate\nimport evaluate as ev\nfrom evaluate import load as get\nimport json\n"
        "evaluate.load('a')\nev.load('b', 'c')\nget('d')\njson.load('e')\nev.load(name)\n"
    )
    assert sorted(metrics_in(code)) == [("a",), ("b", "c"), ("d",)]


def test_one_that_is_nowhere_is_told_and_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "own.yaml").write_text("task: own\nprocess_results: !function own_code.score\n")
    (tmp_path / "own_code.py").write_text("import evaluate\nevaluate.load('/nowhere/at_all')\n")
    fetch_metrics([str(tmp_path / "own.yaml")])
    assert 'The metric "/nowhere/at_all" cannot be loaded before the scoring' in caplog.text
