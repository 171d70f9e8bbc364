"""The tasks are lm-eval's own, and what cannot be evaluated is found while they are built."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchy.errors import EvaluationFailed, TaskNotFound
from benchy.worker.harness.benchmarks import build_tasks, hand_over
from tests.worker.conftest import MakeConfig


def test_groups_patterns_and_files_stand_for_their_benchmarks(make_config: MakeConfig, task_folder: Path) -> None:
    for names, expected in {
        "tiny": {"tiny_choice", "tiny_letter", "tiny_text"},
        "tiny_[cl]*er,tiny_text": {"tiny_letter", "tiny_text"},
        str(task_folder / "tiny_rolling.yaml"): {"tiny_rolling"},
    }.items():
        assert set(build_tasks(make_config(names), {}).benchmarks) == expected


@pytest.mark.parametrize("task", ["tiny_empty", "tiny_filtered"])
def test_a_benchmark_without_documents(make_config: MakeConfig, task: str) -> None:
    with pytest.raises(EvaluationFailed, match=f'benchmark "{task}" has no documents') as caught:
        build_tasks(make_config(f"tiny_choice,{task}"), {})
    assert caught.value.exit_code == 8


def test_a_missing_data_file_is_named(make_config: MakeConfig) -> None:
    with pytest.raises(EvaluationFailed, match=r'benchmark "tiny_lost" .*lost\.jsonl') as caught:
        build_tasks(make_config("tiny_lost"), {})
    assert "\n" not in caught.value.message


def test_an_unknown_task_names_the_nearest(make_config: MakeConfig) -> None:
    with pytest.raises(TaskNotFound, match='no task "tiny_chioce"') as caught:
        build_tasks(make_config("tiny_chioce"), {})
    assert "tiny_choice" in caught.value.hint


def test_loading_again_gives_the_same_tasks_and_the_same_random_state(make_config: MakeConfig) -> None:
    built = build_tasks(make_config("tiny_choice"), {})
    first = random.random()  # noqa: S311 - what lm-eval would draw next
    random.seed(99)
    assert hand_over(built).load(["ignored"]) is built.loaded
    assert random.random() == first  # noqa: S311
