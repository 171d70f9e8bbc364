"""What is wrong with a benchmark's YAML is named before anything is fetched; lm-eval's own library is without fault."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from lm_eval.config.task import TaskConfig

from benchy.benchmarks.files import load_task
from benchy.benchmarks.index import index_tasks
from benchy.benchmarks.task_checks import OUTPUT_TYPES, TASK_KEYS, mistakes_in
from tests.commands import REPOSITORY, assert_refused, benchy, write_config

OWN: dict[str, Any] = {
    "task": "own",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "own/own.jsonl"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{q}}",
    "doc_to_choice": "{{c}}",
    "doc_to_target": "{{a}}",
}


def test_the_keys_are_those_of_lm_eval() -> None:
    """A new lm-eval may bring some; the others are of its loader (lm_eval/tasks/_factory.py, _yaml_loader.py)."""
    assert {field.name for field in dataclasses.fields(TaskConfig)} == TASK_KEYS - {
        "class",
        "group",
        "include",
        "task_list",
    }
    assert "multiple_choice" in OUTPUT_TYPES


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_fewshots": 3}, 'unknown key "num_fewshots"; did you mean "num_fewshot"?'),
        ({"output_type": "multiple_choise"}, 'output_type "multiple_choise" is none of'),
        ({"dataset_path": []}, "dataset_path is no text: []"),  # was TypeError: unhashable, as a bug message
        ({"test_split": ["test"]}, "test_split is no text: ['test']"),
        ({"group": ["animals"]}, "group is no text: ['animals']; a benchmark names what it belongs to in tag"),
        ({"doc_to_text": "{{q"}, "doc_to_text, line 1, is no Jinja template"),
        ({"dataset_kwargs": {"data_files": {"test": ["own/none.jsonl"]}}}, "its data file own/none.jsonl is not there"),
    ],
)
def test_a_mistake_is_named_by_check_with_file_and_benchmark(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "own.jsonl").write_text('{"q": "?", "c": ["a", "b"], "a": 0}\n')
    (folder / "own.yaml").write_text(yaml.safe_dump(OWN | changes))
    config = write_config(tmp_path, evaluation={"tasks": "own", "include_path": "own"})
    refused = benchy("check", config, cwd=tmp_path)
    assert_refused(refused, 2, "ConfigError", f'own/own.yaml: benchmark "own": {said}', "fix the benchmark's YAML")


@pytest.mark.parametrize(
    ("evaluation", "model", "said"),
    [
        ({"tasks": "mmlu,mmlu_stem"}, {}, ["mmlu and mmlu_stem hold the same benchmarks", "drop mmlu_stem"]),
        ({"tasks": "arc_easy"}, {"backend": "local-chat-completions"}, ["gives no log-likelihoods, which arc_easy"]),
        ({"tasks": "gsm8k"}, {"backend": "local-chat-completions"}, ["takes messages", "apply_chat_template: true"]),
    ],
)
def test_what_cannot_be_asked_so_is_refused(
    tmp_path: Path, evaluation: dict[str, Any], model: dict[str, Any], said: list[str]
) -> None:
    server = {"name": "some", "args": {"base_url": "http://127.0.0.1:9/v1/chat/completions"}} if model else {}
    config = write_config(tmp_path, evaluation=evaluation, model=model | server)
    assert_refused(benchy("check", config, cwd=REPOSITORY), 2, "ConfigError", *said)


@pytest.mark.parametrize(
    ("task", "model", "said"),
    [
        (
            {"output_type": "generate_until", "generation_kwargs": {"max_new_tokens": 5000}},
            {},
            ["lets an answer have 5,000 tokens, and the model holds 512 in all", "max_gen_toks: N"],
        ),
        ({}, {"args": {"enable_thinking": True}}, ["own asks for log-likelihoods", "drop enable_thinking"]),
    ],
)
def test_what_no_answer_can_be_is_refused_by_check(
    tmp_path: Path, task: dict[str, Any], model: dict[str, Any], said: list[str]
) -> None:
    data = tmp_path / "own.jsonl"
    data.write_text('{"q": "?", "c": ["a", "b"], "a": 0}\n')
    own = OWN | {"dataset_kwargs": {"data_files": {"test": str(data)}}} | task
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own))
    evaluation = {"tasks": "own", "include_path": str(tmp_path)}
    config = write_config(tmp_path, evaluation=evaluation, model={"name": "configs/demo/model"} | model)
    assert_refused(benchy("check", config, cwd=REPOSITORY), 2, "ConfigError", *said)


def test_of_lm_evals_own_library_only_known_files_are_wrong() -> None:
    """Two of its 13,123 benchmarks name data on a disk of their authors'."""
    index = index_tasks(())
    assert index is not None
    paths = sorted({entry.path for entry in index.values() if entry.kind == "task" and entry.path})
    assert len(paths) > 10_000
    wrong = [mistake for path in paths[::25] for mistake in mistakes_in(load_task(path), path)]
    assert [mistake for mistake in wrong if "/gpfs/" not in mistake] == []
