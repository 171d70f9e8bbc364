from __future__ import annotations

from typing import Any

import pytest

from benchy.config import parse_config
from benchy.errors import ConfigError


def parse(backend: str, **arguments: Any) -> None:
    model = {"name": "m", "backend": backend, "args": arguments}
    parse_config({"model": model, "evaluation": {"tasks": "t"}}, source="x.yaml")


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"api_key": "s3cret"}, "model.args.api_key"),
        ({"header": {"Authorization": "s3cret"}}, "model.args.header.Authorization"),
        ({"base_url": "https://ada:s3cret@host/v1"}, "model.args.base_url"),
        ({"base_url": "https://host/v1?key=s3cret"}, "model.args.base_url"),
        ({"headers": [{"x": "Bearer s3cretlong"}]}, "model.args.headers.x"),
    ],
)
def test_a_secret_in_a_models_arguments_is_refused_with_the_remedy(arguments: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match="holds a secret") as caught:
        parse("local-completions", **arguments)
    assert key in caught.value.message
    assert "OPENAI_API_KEY" in caught.value.hint
    assert "s3cret" not in str(caught.value)


def test_a_hub_token_belongs_into_its_variable() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("hf", token="hf_" + "a" * 30)
    assert "HF_TOKEN" in caught.value.hint


def test_other_arguments_are_no_secrets() -> None:
    parse("hf", tokenizer="org/t", token=True, tokenizer_backend="x", base_url="https://host/v1?v=2")
