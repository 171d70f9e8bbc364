"""What is given on the command line changes a config by name, and is checked like the file."""

from __future__ import annotations

from typing import Any

import pytest

from benchy.config import BenchmarkConfig, parse_config, with_overrides
from benchy.errors import ConfigError


@pytest.fixture
def config() -> BenchmarkConfig:
    """Provide a config for two GPUs."""
    return configured(
        model={"name": "openai/gpt-oss-20b", "dtype": "float16"},
        evaluation={"tasks": "arc_easy", "limit": 10, "seed": "0,None,8,52"},
        performance={"use_accelerate": True, "num_gpus": 2},
    )


def configured(**sections: Any) -> BenchmarkConfig:
    return parse_config({"model": {"name": "gpt2"}, "evaluation": {"tasks": "arc_easy"}} | sections, source="a test")


def test_overrides_change_what_they_name_and_nothing_else(config: BenchmarkConfig) -> None:
    changed = with_overrides(config, limit=5, tasks="hellaswag", gpus=[2, 3], model="gpt2")
    assert changed.evaluation.limit == 5
    assert changed.evaluation.tasks == ("hellaswag",)
    assert changed.gpus == (2, 3)
    assert changed.model.name == "gpt2"
    assert changed.model.dtype == "float16"
    assert with_overrides(config) == config


@pytest.mark.parametrize(("tasks", "expected"), [("a,b", ("a", "b")), (["a", "b"], ("a", "b")), ("own/*.yaml", None)])
def test_tasks_are_written_as_in_the_file(
    config: BenchmarkConfig, tasks: str | list[str], expected: tuple[str, ...] | None
) -> None:
    assert with_overrides(config, tasks=tasks).evaluation.tasks == (expected or (tasks,))


@pytest.mark.parametrize(("limit", "expected"), [(5.0, 5), (0.25, 0.25), (5, 5)])
def test_a_limit_is_a_count_or_a_fraction(config: BenchmarkConfig, limit: float, expected: float) -> None:
    found = with_overrides(config, limit=limit).evaluation.limit
    assert found == expected
    assert type(found) is type(expected)


def test_a_config_for_the_cpu_takes_the_gpus_that_it_is_given() -> None:
    config = configured(evaluation={"tasks": "arc_easy", "device": "cpu"})
    assert with_overrides(config, gpus=[1]).evaluation.device == "cuda"
    assert with_overrides(config, limit=1).evaluation.device == "cpu"


def test_another_device_stays_with_gpus() -> None:
    config = configured(evaluation={"tasks": "arc_easy", "device": "cuda:1"})
    assert with_overrides(config, gpus=["GPU-8f2c"]).evaluation.device == "cuda:1"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"limit": -3}, "greater than 0"),
        ({"limit": 0}, "greater than 0"),
        ({"limit": 1.5}, '"evaluation.limit"'),
        ({"limit": float("nan")}, '"evaluation.limit"'),
        ({"gpus": [0, 1, 2]}, '"gpus" names 3'),
        ({"gpus": []}, "at least one"),
        ({"gpus": ["0"]}, "a GPU as nvidia-smi -L names it"),
        ({"tasks": []}, '"evaluation.tasks" is empty; expected at least one benchmark'),
        ({"tasks": ""}, '"evaluation.tasks"'),
        ({"model": ""}, '"model.name"'),
    ],
)
def test_an_override_is_checked_like_the_file(config: BenchmarkConfig, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        with_overrides(config, **given)
    assert refused.value.message.startswith("with the options given: ")
    assert said in refused.value.message
    assert refused.value.hint == "fix the option, or what it is to change in the file"


@pytest.mark.parametrize("limit", [float("inf"), float("-inf")])
def test_no_number_at_all_is_refused(config: BenchmarkConfig, limit: float) -> None:
    with pytest.raises(ConfigError, match=r'"evaluation\.limit"'):
        with_overrides(config, limit=limit)
