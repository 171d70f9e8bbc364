"""What is built without a model is what the evaluation asks, and building leaves no trace in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, EvaluationFailed
from benchy.protocol import Build, Evaluation, Prepare
from benchy.record import Built
from benchy.worker.evaluation.build import build
from benchy.worker.evaluation.evaluate import evaluation
from benchy.worker.prepare import prepare
from benchy.worker.session import Session
from tests.worker.conftest import MakeConfig, prepared_session
from tests.worker.evaluation.test_evaluate import read_files


def built_of(config: BenchmarkConfig, **more: Any) -> tuple[Built, Session]:
    """Build in this process; return what was built, and the session."""
    session = Session(emit=lambda _event: None)
    return build(session, Build(config=config, **more)), session


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"limit": 5, "num_fewshot": 3, "seed": 7, "gen_kwargs": "max_gen_toks=5"},
        {"apply_chat_template": True, "system_instruction": "Be brief."},
    ],
    ids=["as they are", "limit, few-shot, seed", "chat template"],
)
def test_what_is_built_is_what_is_asked(make_config: MakeConfig, tmp_path: Path, changes: dict[str, Any]) -> None:
    config = make_config("tiny,tiny_rolling,tiny_sampled", **changes)
    built, session = built_of(config)
    prepare(session, Prepare(config=config))
    after = evaluation(session, Evaluation(run_folder=str(tmp_path / "after")))
    alone = evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / "alone")))

    _, samples = read_files(tmp_path / "after")
    assert samples == read_files(tmp_path / "alone")[1]
    assert after.requests == alone.requests == sum(benchmark.requests for benchmark in built.benchmarks)
    assert {one.name: one.documents for one in built.benchmarks} == {
        one.name: one.documents for one in after.benchmarks
    }
    for benchmark in built.benchmarks:
        asked = samples[benchmark.name][0]["arguments"]
        first = list(asked.values()) if isinstance(asked, dict) else asked
        assert _prompt(first[0]) == benchmark.prompt


def _prompt(arguments: Any) -> str:
    """Return the prompt of a request as lm-eval's samples file holds it."""
    return str(arguments["arg_0"] if isinstance(arguments, dict) else arguments[0])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"doc_to_text": "{{questionn}}"}, "'questionn' is undefined"),
        ({"metric_list": [{"metric": "acck"}]}, 'the metric "acck" is none of'),
    ],
)
def test_a_fault_of_a_benchmark_is_named_without_a_model(
    make_config: MakeConfig, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
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
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(task | changes))
    with pytest.raises(EvaluationFailed) as caught:
        built_of(make_config("own", include_path=str(tmp_path)))
    assert 'benchmark "own"' in caught.value.message
    assert said in caught.value.message


def test_a_package_that_the_worker_lacks_is_named_there(make_config: MakeConfig, tmp_path: Path) -> None:
    """As in an image, whose packages the host does not know."""
    (tmp_path / "own.yaml").write_text("task: own\ndataset_path: json\nprocess_results: !function own_code.score\n")
    (tmp_path / "own_code.py").write_text("import nowhere_at_all\n")
    with pytest.raises(ConfigError, match="own needs packages that are not installed: nowhere_at_all") as caught:
        built_of(make_config("own", include_path=str(tmp_path)))
    assert "EXTRAS=tasks" in caught.value.hint


def test_an_answer_longer_than_the_model_holds_is_refused_however_it_is_asked_for(make_config: MakeConfig) -> None:
    config = make_config("tiny_text", gen_kwargs="max_gen_toks=64")
    assert built_of(config, model_length=65)[0].benchmarks[0].requests == 12
    with pytest.raises(ConfigError, match="tiny_text lets an answer have 64 tokens, and the model holds 64 in all"):
        built_of(config, model_length=64)
