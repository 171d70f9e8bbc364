from __future__ import annotations

from typing import Any

import pytest

from benchy.config import parse_config
from benchy.errors import ConfigError


def refusal(**sections: Any) -> ConfigError:
    whole = {"model": {"name": "m"}, "evaluation": {"tasks": "t"}, **sections}
    with pytest.raises(ConfigError) as caught:
        parse_config(whole, source="x.yaml")
    assert "s3cret" not in str(caught.value) + caught.value.hint
    return caught.value


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
        ({"base_url": "https://host/v1?x-functions-key=s3cret"}, "model.args.base_url"),
        ({"base_url": "https://host/v1?v=1&X-Amz-Signature=s3cret"}, "model.args.base_url"),
        ({"base_url": "https://host/v1?client_secret=s3cret"}, "model.args.base_url"),
        ({"base_url": "https://host/v1#jwt=s3cret"}, "model.args.base_url"),
        ({"hub_token": "s3cret"}, "model.args.hub_token"),
        ({"openai_key": "s3cret"}, "model.args.openai_key"),
        ({"user": "ghp_s3cret" + "a" * 20}, "model.args.user"),
        ({"header": "X-Api-Key: s3cret"}, "model.args.header"),
        ({"header": '{"X-Api-Key": "s3cret"}'}, "model.args.header"),
        ({"headers": [{"x": "Bearer s3cretlong"}]}, "model.args.headers.x"),
        ({"header": {"Cookie": "session=s3cret"}}, "model.args.header.Cookie"),
        ({"header": {"Ocp-Apim-Subscription-Key": "s3cret"}}, "model.args.header.Ocp-Apim-Subscription-Key"),
        ({"header": {"X-Auth": "s3cret"}}, "model.args.header.X-Auth"),
        ({"header": {"X-My-Key": "s3cret"}}, "model.args.header.X-My-Key"),
        ({"pwd": "s3cret"}, "model.args.pwd"),
        ({"base_url": "https://host/v1?subscription-key=s3cret"}, "model.args.base_url"),
        ({"base_url": "https://host/v1?code=s3cretS3cretS3cret="}, "model.args.base_url"),
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
    parse("hf", tokenizer="org/t", token=True, tokenizer_backend="x", base_url="https://host/v1?v=2&code=en")


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"evaluation": {"tasks": "t", "gen_kwargs": {"api_key": "s3cret"}}}, "evaluation.gen_kwargs.api_key"),
        ({"evaluation": {"tasks": "t", "gen_kwargs": "top_p=1,api_key=s3cret"}}, "evaluation.gen_kwargs"),
        ({"evaluation": {"tasks": "t", "gen_kwargs": {"extra_headers": {"X-Key": "s3cret"}}}}, "extra_headers.X-Key"),
        ({"model": {"name": "https://ada:s3cret@host/m"}}, "model.name"),
        ({"model": {"name": "http://s3cretS3cret@host/m"}}, "model.name"),
        ({"evaluation": {"tasks": "t", "gen_kwargs": {"extra_body": {"user_token": "s3cret"}}}}, "user_token"),
        ({"evaluation": {"tasks": "t", "gen_kwargs": {"hf_s3cret" + "a" * 20: 1}}}, "evaluation.gen_kwargs (a key)"),
        ({"evaluation": {"tasks": "t", "system_instruction": "Use hf_s3cret" + "a" * 20}}, "system_instruction"),
        ({"upload": {"to": "b", "token_env": "hf_s3cret" + "a" * 20}}, "upload.token_env"),
        ({"environment": ["hf_s3cret" + "a" * 20]}, "environment"),
        ({"container": {"image": "https://ada:s3cret@registry/image"}}, "container.image"),
        ({"model": {"name": "m", "revision": "hf_s3cret" + "a" * 20}}, "model.revision"),
    ],
)
def test_a_secret_anywhere_else_that_is_published_is_refused_too(sections: dict[str, Any], key: str) -> None:
    refused = refusal(**sections)
    assert key in refused.message
    assert "holds a secret" in refused.message


@pytest.mark.parametrize("environment", [["A=s3cret"], "A=s3cret", {"A": "s3cret"}])
def test_a_variable_that_is_set_and_not_named_is_refused_without_its_value(environment: Any) -> None:
    assert '"environment"' in refusal(environment=environment).message


@pytest.mark.parametrize("model", [{"name": "m", "args": "api_key=s3cret"}, {"name": {"token": "s3cret"}}])
def test_a_mistake_is_named_without_the_secret_in_it(model: Any) -> None:
    assert "expected" in refusal(model=model).message
