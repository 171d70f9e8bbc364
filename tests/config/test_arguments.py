"""Arguments as text mean what they mean on lm-eval's command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from lm_eval._cli.utils import key_val_to_dict, try_parse_json

from benchy.config import parse_config
from benchy.config.arguments import read_arguments
from benchy.errors import ConfigError
from tests.commands import REPOSITORY, benchy, write_config

PAIRS = [
    "temperature=0,max_gen_toks=64",
    "until=['a','b'],top_p=0.5",
    "stop=[\"\\n\\n\"],x='a,b'",
    "a={'b': [1, 2]},c=d=e",
    "do_sample=True,n=None,t=-1.5e3",
    "u=don't,b=1",
    "a=b c,,d=x]y,e=)",
    "",
]


@pytest.mark.parametrize("text", PAIRS)
def test_pairs_are_those_of_lm_eval(text: str) -> None:
    assert read_arguments(text) == key_val_to_dict(text)


def test_a_json_object_is_that_of_lm_eval() -> None:
    text = '{"until": ["a", "b"], "do_sample": true}'
    assert read_arguments(text) == try_parse_json(text) == {"until": ["a", "b"], "do_sample": True}


@pytest.mark.parametrize(("text", "said"), [("s3cret", "expected key=value pairs"), ("{s3cret}", "not valid JSON")])
def test_what_is_neither_is_refused_and_not_quoted(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse_config({"model": {"name": "m"}, "evaluation": {"tasks": "t", "gen_kwargs": text}}, source="test")
    assert "evaluation.gen_kwargs" in caught.value.message
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("text", ["max_gen_toks=5000,until=['a','b']", '{"max_gen_toks": 5000}'])
def test_check_reads_them(tmp_path: Path, text: str) -> None:
    config = write_config(tmp_path, evaluation={"gen_kwargs": text})
    done = benchy("check", config, cwd=REPOSITORY)
    assert done.returncode == ConfigError.exit_code
    assert "lets an answer have 5,000 tokens" in done.stderr
