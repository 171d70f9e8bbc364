"""Each reason for a drift is told once, from a real evaluation, and a clean one is silent."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchy.protocol import Evaluation
from benchy.record import EvaluationResult
from benchy.worker.evaluation.evaluate import evaluation
from tests.worker.conftest import MakeConfig, prepared_session


@pytest.fixture
def plain_model(model_folder: Path, tmp_path: Path) -> Path:
    """Without a chat template."""
    folder = tmp_path / "plain"
    shutil.copytree(model_folder, folder)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    settings.pop("chat_template", None)
    path.write_text(json.dumps(settings))
    return folder


@pytest.fixture
def evaluate(make_config: MakeConfig, plain_model: Path, tmp_path: Path) -> Any:
    def run(tasks: str = "tiny_choice", model: Path = plain_model, **changes: Any) -> EvaluationResult:
        config = make_config(tasks, model={"name": str(model)}, **changes)
        return evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / "run")))

    return run


def test_nothing_to_tell(evaluate: Any) -> None:
    assert evaluate("tiny_choice").warnings == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"limit": 4}, "limit is 4"),
        ({"num_fewshot": 5}, "tiny_choice: num_fewshot is 5, and the benchmark's own is 2"),
        ({"system_instruction": "<s><s>"}, "tiny_choice: prompts begin with two <s>"),
        ({"tasks": "tiny_text", "gen_kwargs": "max_gen_toks=1"}, "tiny_text: in 12 of 12 documents an answer was cut"),
    ],
)
def test_what_the_config_changes(evaluate: Any, changes: dict[str, Any], says: str) -> None:
    (warning,) = evaluate(**changes).warnings
    assert warning.startswith(says)


def test_chat_templates(evaluate: Any, model_folder: Path, tmp_path: Path) -> None:
    (warning,) = evaluate(model=model_folder).warnings
    assert "brings a chat template" in warning
    assert evaluate(model=model_folder, apply_chat_template=True).warnings == ()
    base = shutil.copytree(model_folder, tmp_path / "llama-base")
    (warning,) = evaluate(model=base, apply_chat_template=True).warnings
    assert "seems to be a base model" in warning


def test_the_prompts_hash_changes_with_the_prompts_and_with_nothing_else(
    evaluate: Any, other_model_folder: Path
) -> None:
    def hashes(**changes: Any) -> list[str]:
        return [benchmark.prompts_hash for benchmark in evaluate("tiny_choice,tiny_letter", **changes).benchmarks]

    first = hashes()
    assert hashes(model=other_model_folder, batch_size=3) == first
    fewer_shots = hashes(num_fewshot=1)
    assert fewer_shots[0] != first[0]
    assert fewer_shots[1] == first[1], "it has no worked examples"
    assert hashes(limit=11)[0] != first[0]
    assert hashes(seed=5)[0] != first[0], "other worked examples were drawn"
