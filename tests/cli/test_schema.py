"""The schema of a config, for editors: it is that of the code, and knows right from wrong as the code does."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

from benchy.config import BenchmarkConfig
from docs.make_config import PAGE, SCHEMA, page
from tests.commands import REPOSITORY, benchy

SHIPPED = sorted((REPOSITORY / "configs").glob("*.yaml"))
LEAST: dict[str, Any] = {"model": {"name": "org/model"}, "evaluation": {"tasks": "arc_easy"}}


def test_the_shipped_schema_and_the_page_are_those_of_the_code() -> None:
    printed = benchy("schema", cwd=REPOSITORY)
    assert printed.returncode == 0, printed.stderr
    assert SCHEMA.read_text("utf-8") == printed.stdout, "run `make config-docs`"
    assert PAGE.read_text("utf-8") == page(), "run `make config-docs`"


def test_each_key_is_on_the_page_with_its_meaning() -> None:
    text = PAGE.read_text("utf-8")
    for name, field in BenchmarkConfig.model_fields.items():
        assert f"## {name}\n" in text or f"| `{name}` |" in text
        assert field.description is not None or f"## {name}\n" in text
    assert "| evaluation" not in text
    assert "|  |\n" not in text, "a key has no meaning"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_configs_name_the_schema_and_are_valid(path: Any) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=benchy.schema.json\n")
    jsonschema.validate(yaml.safe_load(text), json.loads(SCHEMA.read_text("utf-8")))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"evaluation": {"tasks": ["a", "b"], "include_path": "tasks", "seed": "0,None,1234,1234"}},
        {"evaluation": {"tasks": "a,b", "include_path": ["x", "y"], "seed": [1, 2, 3, 4], "batch_size": "auto:4"}},
        {"gpus": [0, "GPU-8f2c", "MIG-8f2c", "nvidia.com/gpu=0"], "environment": ["X"]},
    ],
)
def test_what_the_code_takes_the_schema_takes(changes: dict[str, Any]) -> None:
    BenchmarkConfig.model_validate(LEAST | changes)
    jsonschema.validate(LEAST | changes, json.loads(SCHEMA.read_text("utf-8")))


@pytest.mark.parametrize(
    "changes", [{"evaluation": {"tasks": "a", "batchsize": 4}}, {"gpus": ["abc"]}, {"model": {}}, {"runtime": "podman"}]
)
def test_what_the_code_refuses_the_schema_refuses(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        BenchmarkConfig.model_validate(LEAST | changes)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(LEAST | changes, json.loads(SCHEMA.read_text("utf-8")))
