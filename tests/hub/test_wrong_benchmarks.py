"""A benchmark that cannot work is refused before a byte of a model's weights is fetched, whatever is wrong with it.

A wrong key, a missing split or a template's unknown field were found only after the model was downloaded and loaded.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands import DEMO, benchy
from tests.hub.commands import benchy_on, hub_config
from tests.hub.fixtures import loopback_hub
from tests.hub.models import HEADER_BYTES, tiny_llama
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]

QUESTIONS = [
    {"question": f"Which number comes after {number}?", "choices": [str(number + 1), "none"], "answer": 0}
    for number in range(4)
]
CHOICE: dict[str, Any] = {
    "task": "own",
    "dataset_path": "json",
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}}",
    "doc_to_choice": "{{choices}}",
    "doc_to_target": "{{answer}}",
}
TEXT: dict[str, Any] = {"output_type": "generate_until", "doc_to_choice": None}


@pytest.fixture
def weights(loopback_hub: LoopbackHub) -> bytes:
    """Return the weights of org/tiny on the Hub, far more than the header that every check reads."""
    files = tiny_llama(intermediate_size=4096)
    loopback_hub.add_repository("org/tiny", files)
    return files["model.safetensors"]


@pytest.mark.parametrize(
    ("task", "evaluation", "said"),
    [
        ({"num_fewshots": 3}, {}, 'mean "num_fewshot"'),
        ({"dataset_kwargs": {"data_files": {"test": "nowhere.jsonl"}}}, {}, "nowhere.jsonl"),
        ({"test_split": "validation"}, {}, "the data has no such split"),
        ({}, {"num_fewshot": 9}, "9 few-shot examples are asked for, and there are 4 documents"),
        ({"tag": "own_tag"}, {"tasks": ["own", "own_tag"]}, "hold the same benchmarks"),
        (TEXT | {"generation_kwargs": {"max_gen_toks": 4096}}, {}, "lets an answer have 4,096 tokens"),
        (TEXT, {"gen_kwargs": "max_gen_toks=4096"}, "lets an answer have 4,096 tokens"),
        ({"doc_to_text": "!function own_code.ask"}, {}, "not installed: no_such_package"),
    ],
)
def test_a_wrong_benchmark_costs_no_weights(
    loopback_hub: LoopbackHub, weights: bytes, tmp_path: Path, task: Any, evaluation: Any, said: str
) -> None:
    folder = write_task(tmp_path, **task)
    config = hub_config(tmp_path, evaluation={"tasks": "own", "include_path": str(folder)} | evaluation)
    done = benchy_on(loopback_hub, tmp_path, "run", config)
    assert done.returncode in {2, 3, 8}, done.stderr
    assert said in done.stderr
    assert "own" in done.stderr
    assert "bug in Benchy" not in done.stderr
    assert loopback_hub.bytes_served(weights) <= HEADER_BYTES


def test_thinking_before_a_choice_costs_no_weights(loopback_hub: LoopbackHub, weights: bytes, tmp_path: Path) -> None:
    evaluation = {"tasks": "own", "include_path": str(write_task(tmp_path))}
    done = benchy_on(
        loopback_hub, tmp_path, "run", hub_config(tmp_path, evaluation=evaluation, args={"enable_thinking": True})
    )
    assert done.returncode == 2
    assert "before which no model can think" in done.stderr
    assert loopback_hub.bytes_served(weights) <= HEADER_BYTES


def test_check_builds_without_weights_and_the_run_goes_on_from_there(
    loopback_hub: LoopbackHub, weights: bytes, tmp_path: Path
) -> None:
    evaluation = {"tasks": "own", "include_path": str(write_task(tmp_path)), "num_fewshot": 1}
    config = hub_config(tmp_path, evaluation=evaluation)
    checked = benchy_on(loopback_hub, tmp_path, "check", config, "--build")
    assert checked.returncode == 0, checked.stderr
    # a byte is a token of this model, and lm-eval puts two newlines between an example and the question
    prompt = f"{QUESTIONS[1]['question']} {QUESTIONS[1]['choices'][0]}\n\n{QUESTIONS[0]['question']}"  # type: ignore[index]
    longest = len(prompt + " none")
    assert f"own: 4 documents, 1 shot, 8 requests, longest prompt {longest} tokens" in checked.stdout
    assert f"   | {QUESTIONS[0]['question']}\n   and after it one of: ' 1', ' none'" in checked.stdout
    assert loopback_hub.bytes_served(weights) <= HEADER_BYTES
    assert not (tmp_path / "outputs").exists()

    offline = benchy_on(loopback_hub, tmp_path, "run", config, HF_HUB_OFFLINE="1")
    assert offline.returncode == 4, offline.stderr
    assert "ModelNotFound: the cache holds no weights of org/tiny" in offline.stderr
    assert "unset HF_HUB_OFFLINE" in offline.stderr

    run = benchy_on(loopback_hub, tmp_path, "run", config)
    assert run.returncode == 0, run.stderr
    assert loopback_hub.bytes_served(weights) >= len(weights)


def test_check_says_what_building_found_odd(tmp_path: Path) -> None:
    folder = write_task(tmp_path, [*QUESTIONS, QUESTIONS[0] | {"answer": 7}, QUESTIONS[1]])
    config = hub_config(tmp_path, str(DEMO / "model"), evaluation={"tasks": "own", "include_path": str(folder)})
    done = benchy("check", config, "--build", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "own: 6 documents, 0 shots, 12 requests" in done.stdout
    assert "⚠️ in 1 document the gold answer is none of the choices" in done.stdout


def write_task(folder: Path, questions: list[dict[str, Any]] | None = None, **changes: Any) -> Path:
    """Write a benchmark of four questions, with some of its keys changed; return its folder."""
    own = folder / "own"
    own.mkdir()
    lines = (f"{json.dumps(question)}\n" for question in questions or QUESTIONS)
    (own / "own.jsonl").write_text("".join(lines), encoding="utf-8")
    files = {"dataset_kwargs": {"data_files": {"test": str(own / "own.jsonl")}}}
    task = {key: value for key, value in (CHOICE | files | changes).items() if value is not None}
    text = yaml.safe_dump(task).replace("'!function own_code.ask'", "!function own_code.ask")
    (own / "own.yaml").write_text(text, encoding="utf-8")
    (own / "own_code.py").write_text("import no_such_package\n\n\ndef ask(doc):\n    return doc['question']\n")
    return own
