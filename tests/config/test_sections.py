"""Each section of a config has lm-eval's own defaults, its bounds, and copies that change what they name."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from benchy import __version__
from benchy.config import LM_EVAL_SEEDS, DownloadConfig, EvaluationConfig, ModelConfig
from benchy.config.sections import ContainerConfig, LoggingConfig, PerformanceConfig, WorkerConfig


def model(**keys: Any) -> ModelConfig:
    return ModelConfig.model_validate({"name": "org/m"} | keys)


def evaluation(**keys: Any) -> EvaluationConfig:
    return EvaluationConfig.model_validate({"tasks": "t"} | keys)


@pytest.mark.parametrize(
    ("keys", "runs"),
    [
        ({}, False),
        ({"trust_remote_code": True}, True),
        ({"args": {"trust_remote_code": True}}, True),
        ({"args": {"trust_remote_code": False}}, False),
    ],
)
def test_code_of_a_model_runs_only_where_that_was_said(keys: dict[str, Any], runs: bool) -> None:
    assert model(**keys).runs_own_code is runs


@pytest.mark.parametrize(("backend", "name"), [("hf", "hf"), ("hf-stock", "hf"), ("vllm", "vllm"), ("x", "x")])
def test_two_ways_to_compute_one_thing_have_one_name_of_lm_evals(backend: str, name: str) -> None:
    assert model(backend=backend).lm_eval_backend == name


def test_copies_of_a_model() -> None:
    one = model(dtype="float16", args={"peft": "a", "n": 1})
    assert one.at("v2") == model(dtype="float16", args={"peft": "a", "n": 1}, revision="v2")
    assert one.renamed("n", revision="r") == model(name="n", revision="r", dtype="float16", args={"peft": "a", "n": 1})
    assert one.with_args({}) == model(dtype="float16")
    assert one.with_paths(str.upper) == model(name="ORG/M", dtype="float16", args={"peft": "A", "n": 1})


@pytest.mark.parametrize(("tasks", "expected"), [("a", ("a",)), ("a, b", ("a", "b")), (["a", "b,c"], ("a", "b,c"))])
def test_tasks_are_one_string_or_a_list(tasks: object, expected: tuple[str, ...]) -> None:
    assert evaluation(tasks=tasks).tasks == expected


@pytest.mark.parametrize(
    ("seed", "seeds"),
    [(None, LM_EVAL_SEEDS), (7, (7, 7, 7, 7)), (0, (0, 0, 0, 0)), ("1,2,3", (1, 2, 3, 1234)), ([5], (5, 5, 5, 5))],
)
def test_one_seed_is_for_all_four(seed: object, seeds: tuple[int, ...]) -> None:
    assert evaluation(seed=seed).seeds == seeds


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("limit", 0), ("limit", 1.5), ("limit", -0.1), ("limit", True), ("num_fewshot", -1), ("batch_size", 0),
        ("batch_size", "auto:"), ("batch_size", "8"), ("seed", -1), ("seed", "1,2"), ("seed", [1, 2, 3, 4, 5]),
        ("log_samples", "yes"), ("include_path", [""]), ("device", None), ("tasks", ["a", ""]),
    ],
)  # fmt: skip
def test_what_an_evaluation_cannot_be_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        evaluation(**{key: value})
    assert {error["loc"][0] for error in refused.value.errors()} == {key}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("limit", 1),
        ("limit", 0.999),
        ("limit", 2**31 - 1),
        ("batch_size", "auto"),
        ("batch_size", "auto:4"),
        ("batch_size", "auto:0.5"),
        ("num_fewshot", 0),
        ("apply_chat_template", "tool_use"),
    ],
)
def test_what_it_can_be_is_kept_as_it_was_written(key: str, value: object) -> None:
    assert getattr(evaluation(**{key: value}), key) == value


def test_copies_of_an_evaluation() -> None:
    one = evaluation(include_path="own", output_path="out", seed=3)
    assert one.with_chat_template("tool_use") == evaluation(
        include_path="own", output_path="out", seed=3, apply_chat_template="tool_use"
    )
    assert one.with_paths(str.upper) == evaluation(tasks="T", include_path="OWN", output_path="OUT", seed=3)


@pytest.mark.parametrize(
    ("keys", "ways"),
    [
        ({}, []),
        ({"use_accelerate": True}, ["use_accelerate"]),
        ({"replicas": 2}, ["replicas"]),
        ({"parallelize": True}, ["parallelize"]),
        ({"num_gpus": 2}, []),
    ],
)
def test_the_way_to_use_several_gpus_is_named(keys: dict[str, Any], ways: list[str]) -> None:
    assert PerformanceConfig.model_validate(keys).ways == ways


@pytest.mark.parametrize("other", [{"replicas": 1}, {"parallelize": True}])
def test_two_ways_are_refused(other: dict[str, Any]) -> None:
    said = f'"performance.use_accelerate" and "performance.{next(iter(other))}" are two ways to use several GPUs'
    with pytest.raises(ValidationError, match=said):
        PerformanceConfig.model_validate({"use_accelerate": True, **other})


@pytest.mark.parametrize("key", ["collective_timeout", "load_timeout", "prompt_timeout", "run_timeout"])
@pytest.mark.parametrize("value", [0, -1, 10**9, float("inf"), float("nan")])
def test_a_time_limit_is_a_number_of_seconds(key: str, value: float) -> None:
    with pytest.raises(ValidationError, match=key):
        PerformanceConfig.model_validate({key: value})


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        (DownloadConfig, "files_at_once", 0), (DownloadConfig, "stall_seconds", 0), (LoggingConfig, "log_dir", ""),
        (ContainerConfig, "shm_size", "0g"), (ContainerConfig, "shm_size", "8G"), (ContainerConfig, "memory", "8 gb"),
        (ContainerConfig, "volumes", ["a"]), (ContainerConfig, "volumes", ["a:b"]), (ContainerConfig, "pids_limit", 0),
        (ContainerConfig, "ulimits", {"memlock": -2}), (PerformanceConfig, "mixed_precision", True),
    ],
)  # fmt: skip
def test_other_sections_have_bounds_too(section: type[Any], key: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        section.model_validate({key: value})
    assert {error["loc"][0] for error in refused.value.errors()} == {key}


def test_a_container_is_of_this_version_and_takes_one_volume_or_many() -> None:
    assert ContainerConfig().image == f"benchy-gpu:{__version__}"
    assert ContainerConfig.model_validate({"volumes": "data:/data:ro"}).volumes == ("data:/data:ro",)
    assert PerformanceConfig.model_validate({"mixed_precision": False}).mixed_precision == "no"


@pytest.mark.parametrize(("python", "changed"), [(None, None), ("/p", "/P")])
def test_a_workers_python_is_changed_where_there_is_one(python: str | None, changed: str | None) -> None:
    assert WorkerConfig(python=python).with_paths(str.upper).python == changed
