"""`benchy test` reads lm-eval's own arguments into a config, and refuses what is none before anything starts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from benchy.cli.model_test import SETTINGS, config_of_options, parse_model_args
from benchy.config import BenchmarkConfig, ModelConfig
from benchy.errors import ConfigError
from tests.commands import assert_refused, benchy


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        (" , ,", {}),
        ("pretrained=org/m,dtype=float16", {"pretrained": "org/m", "dtype": "float16"}),
        (" a = b , c=d ", {"a": "b", "c": "d"}),
        ("n=7,x=0.5,y=-1e3", {"n": 7, "x": 0.5, "y": -1000.0}),
        ("t=true,T=True,f=false,F=False", {"t": True, "T": True, "f": False, "F": False}),
        ("n=null,N=None", {"n": None, "N": "None"}),
        ("a=b=c,e=", {"a": "b=c", "e": ""}),
        ("a=1,a=2", {"a": 2}),
    ],
)
def test_arguments_are_read(text: str, arguments: dict[str, object]) -> None:
    found = parse_model_args(text)
    assert found == arguments
    assert [type(value) for value in found.values()] == [type(value) for value in arguments.values()]


@pytest.mark.parametrize(("text", "part"), [("float16", "float16"), ("a=b,c", "c"), ("a=b, c d ,e=f", "c d")])
def test_a_part_without_a_value_is_named(text: str, part: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_model_args(text)
    assert refused.value.message == f'--model_args: "{part}" is not key=value'


def config(arguments: dict[str, object], **changes: Any) -> BenchmarkConfig:
    given = {"model_name": "org/m", "backend": "hf", "device": "cpu", "performance": {}} | changes
    return config_of_options(model_args=arguments, **given)


def test_the_config_says_the_same(tmp_path: Path) -> None:
    found = config({"dtype": "float16", "max_length": 64, "revision": "v2", "trust_remote_code": True, "peft": "a"})
    assert found.model == ModelConfig(
        name="org/m", dtype="float16", max_length=64, revision="v2", trust_remote_code=True, args={"peft": "a"}
    )
    assert (found.evaluation.tasks, found.evaluation.device) == ((), "cpu")
    assert found.evaluation.output_path == tempfile.gettempdir() != str(tmp_path)
    assert set(SETTINGS) <= set(ModelConfig.model_fields)


def test_the_model_of_the_arguments_is_the_one_that_is_loaded() -> None:
    arguments: dict[str, object] = {"pretrained": "org/other"}
    assert config(arguments).model.name == "org/other"
    assert arguments == {"pretrained": "org/other"}


def test_gpus_are_shared_as_the_options_say() -> None:
    found = config({}, device="cuda", performance={"use_accelerate": True, "num_gpus": 2, "mixed_precision": "bf16"})
    assert (found.performance.ways, found.performance.num_gpus) == (["use_accelerate"], 2)
    with pytest.raises(ConfigError, match=r'benchy test: "evaluation\.device" is cpu but "performance\.num_gpus"'):
        config({}, performance={"num_gpus": 2})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model_args", "dtype=float16"], "--model_name"),
        (["--model_name", "x", "--model_args", "float16"], '"float16" is not key=value'),
        (["--model_name", "x", "--model_args", "dtype=int3"], '"model.dtype"'),
        (["--model_name", "x", "--mixed_precision", "fp64"], "fp64"),
        (["--model_name", "x", "--num_gpus", "0"], "num_gpus"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    assert_refused(benchy("test", *arguments, cwd=tmp_path), 2, "ConfigError", said)
