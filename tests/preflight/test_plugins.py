"""A back end or a runtime of another package is there, and can do what is asked, before anything starts."""

from __future__ import annotations

from typing import Any

import pytest

from benchy.config import BenchmarkConfig, parse_config
from benchy.errors import ConfigError
from benchy.preflight.plugins import check_plugins


def configured(backend: str = "hf", **sections: Any) -> BenchmarkConfig:
    data = {"model": {"name": "m", "backend": backend}, "evaluation": {"tasks": "t"}} | sections
    return parse_config(data, source="test")


@pytest.mark.parametrize(
    "config",
    [
        configured(),
        configured(runtime="docker"),
        configured(runtime="process"),
        configured(runtime="benchy.runtimes.process:ProcessRuntime"),
        configured("hf", performance={"parallelize": True}),
        configured("hf-multimodal", performance={"replicas": 2}),
        configured("vllm"),
        configured("local-completions"),
        configured("of-nobody-known"),
    ],
)
def test_what_is_there_is_taken(config: BenchmarkConfig) -> None:
    check_plugins(config)


@pytest.mark.parametrize(
    ("runtime", "said"),
    [
        ("nowhere.at.all:Runtime", 'runtime: "nowhere.at.all:Runtime" cannot be loaded: ModuleNotFoundError'),
        ("benchy.runtimes.base:Nothing", 'runtime: "benchy.runtimes.base:Nothing" cannot be loaded: AttributeError'),
        ("benchy.backends:KEYS", 'runtime: "benchy.backends:KEYS" is a tuple, and no Runtime'),
        ("benchy.backends:Backend", 'runtime: "benchy.backends:Backend" cannot be loaded: TypeError'),
    ],
)
def test_a_runtime_that_is_none_is_refused(runtime: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_plugins(configured(runtime=runtime))
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("nowhere.at.all:ROW", 'model.backend: "nowhere.at.all:ROW" cannot be loaded: ModuleNotFoundError'),
        ("benchy.backends:KEYS", 'model.backend: "benchy.backends:KEYS" is a tuple, and no Backend'),
    ],
)
def test_a_back_end_that_is_none_is_refused(backend: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_plugins(configured(backend))
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize("way", ["use_accelerate", "replicas", "parallelize"])
def test_a_way_that_a_back_end_of_another_package_does_not_know_is_refused(way: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_plugins(configured("of-nobody-known", performance={way: 2 if way == "replicas" else True}))
    assert refused.value.message.startswith(f'"performance.{way}" is for the back end hf, not of-nobody-known; ')
    assert refused.value.hint == "drop the key, or name another model.backend"
