"""A whole config is free of contradictions, and its copies differ in what they name alone."""

from __future__ import annotations

from typing import Any

import pytest

from benchy.config import BenchmarkConfig, parse_config
from benchy.errors import ConfigError


def configured(**sections: Any) -> BenchmarkConfig:
    """Return a config with these sections beside the two that must be there."""
    return parse_config({"model": {"name": "m"}, "evaluation": {"tasks": "t"}} | sections, source="test")


CPU = {"tasks": "t", "device": "cpu"}


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"gpus": [0], "performance": {"num_gpus": 2}}, '"performance.num_gpus" is 2 but "gpus" names 1'),
        ({"gpus": [0, 1, 0]}, '"gpus" names the same GPU twice'),
        ({"gpus": []}, '"gpus" is [] (a list); expected at least one'),
        ({"performance": {"replicas": 2, "num_gpus": 3}}, '"performance.replicas" is 2 but 3 GPUs are named'),
        ({"performance": {"replicas": 3}, "gpus": [0, 1]}, '"performance.replicas" is 3 but 2 GPUs are named'),
        ({"performance": {"replicas": 2, "parallelize": True}}, '"performance.replicas" and "performance.parallelize"'),
        (
            {"model": {"name": "m", "args": {"tp_plan": "auto"}}, "performance": {"parallelize": True}},
            '"model.args.tp_plan" and "performance.parallelize" are two ways to use several GPUs',
        ),
        ({"worker": {"python": "/p"}, "runtime": "docker"}, '"worker.python" is for "runtime: process"'),
        ({"worker": {"python": "/p"}, "runtime": "own.runtime:Class"}, '"runtime" is own.runtime:Class; drop one'),
        ({"runtime": "podman"}, "\"runtime\" is 'podman' (a string)"),
        ({"evaluation": CPU, "gpus": [0]}, '"evaluation.device" is cpu but "gpus" asks for GPUs'),
        ({"evaluation": CPU, "performance": {"num_gpus": 1}}, 'cpu but "performance.num_gpus" asks for GPUs'),
        ({"evaluation": CPU, "performance": {"parallelize": True}}, 'cpu but "performance.parallelize" asks for GPUs'),
    ],
)
def test_a_contradiction_is_named_with_both_keys(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        configured(**sections)
    assert said in refused.value.message


@pytest.mark.parametrize(
    "sections",
    [
        {"gpus": [0, "GPU-8f2c"], "performance": {"num_gpus": 2}},
        {"gpus": [0, 1], "performance": {"replicas": 2}},
        {"worker": {"python": "/p"}, "runtime": "process"},
        {"worker": {"python": "/p"}},
        {"evaluation": CPU, "performance": {"replicas": 2}},
        {"evaluation": CPU, "performance": {"use_accelerate": True, "num_gpus": 2}},
    ],
)
def test_what_only_looks_like_one_is_taken(sections: dict[str, Any]) -> None:
    assert configured(**sections)


@pytest.mark.parametrize(
    ("sections", "uses"),
    [
        ({}, True),
        ({"evaluation": CPU}, False),
        ({"evaluation": {"tasks": "t", "device": "cuda:1"}}, True),
        ({"evaluation": {"tasks": "t", "device": "mps"}}, False),
        ({"evaluation": CPU, "performance": {"use_accelerate": True}}, True),
    ],
)
def test_gpus_are_used_where_the_model_is_meant_to_be_on_them(sections: dict[str, Any], uses: bool) -> None:
    assert configured(**sections).uses_gpus is uses


@pytest.mark.parametrize(("limit", "is_test"), [(None, False), (10, True), (0.5, True)])
def test_a_limit_makes_a_test(limit: float | None, is_test: bool) -> None:
    assert configured(evaluation={"tasks": "t", "limit": limit}).is_test is is_test


def test_a_named_copy_changes_one_section() -> None:
    config, other = configured(upload={"to": "board"}), configured(model={"name": "n"}, evaluation={"tasks": "u"})
    assert config.with_model(other.model).model_dump() == config.model_dump() | {"model": other.model.model_dump()}
    assert config.with_evaluation(other.evaluation).evaluation.tasks == ("u",)
    assert config.published_to(None, None).model_dump() == config.model_dump() | {"upload": None}
    assert config == configured(upload={"to": "board"})


def test_every_path_is_changed_and_nothing_else() -> None:
    config = configured(
        model={"name": "m", "args": {"peft": "adapter", "load_in_4bit": True}},
        evaluation={"tasks": "t", "include_path": ["own"], "output_path": "out"},
        worker={"python": "python"},
        logging={"log_dir": "logs"},
        upload={"to": "board"},
    )
    changed = config.with_paths(lambda path: f"<{path}>")
    assert (changed.model.name, changed.model.args) == ("<m>", {"peft": "<adapter>", "load_in_4bit": True})
    assert (changed.evaluation.tasks, changed.evaluation.include_path) == (("<t>",), ("<own>",))
    assert (changed.evaluation.output_path, changed.logging.log_dir) == ("<out>", "<logs>")
    assert (changed.worker.python, changed.upload and changed.upload.to) == ("<python>", "<board>")
    assert changed.with_paths(lambda path: path.strip("<>")) == config
    assert configured().with_paths(str.upper).worker.python is None


@pytest.mark.parametrize(
    ("sections", "same"),
    [
        ({"evaluation": {"tasks": "t", "batch_size": 8, "output_path": "o", "cluster": "story"}}, True),
        ({"performance": {"replicas": 2}, "download": {"files_at_once": 1}, "logging": {"log_dir": "l"}}, True),
        ({"gpus": [1], "upload": {"to": "b"}, "wandb": {"project": "p"}, "runtime": "process"}, True),
        ({"container": {"memory": "8g", "cache": "c"}}, True),
        ({"container": {"image": "own:1"}}, False),
        ({"evaluation": {"tasks": "t", "num_fewshot": 5}}, False),
        ({"evaluation": {"tasks": "t", "seed": 1}}, False),
        ({"model": {"name": "m", "dtype": "float32"}}, False),
        ({"performance": {"parallelize": True}}, False),
    ],
)
def test_what_changes_answers_is_told_from_what_does_not(sections: dict[str, Any], same: bool) -> None:
    assert (configured(**sections).what_changes_answers() == configured().what_changes_answers()) is same
