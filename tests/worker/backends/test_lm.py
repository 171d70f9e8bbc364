"""Which adapter a model gets: the row's, or the one for lm-eval's class."""

from __future__ import annotations

from typing import Any

import pytest
from lm_eval.api.registry import get_model

from benchy.backends import Backend, find_backend
from benchy.worker.backends.api import ApiModel
from benchy.worker.backends.lm import adapt, model_type
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.backends.transformers import TransformersModel
from benchy.worker.hf.model import FastHFLM
from benchy.worker.loading import loaded_model
from tests.worker.conftest import MakeConfig, prepared_session


class Own(LoadedModel):
    requests_at_once = 3


def test_the_row_names_the_class_or_lm_eval_does(make_config: MakeConfig) -> None:
    assert model_type(make_config(model={"backend": "hf"})) is FastHFLM
    assert model_type(make_config(model={"backend": "hf-stock"})) is get_model("hf")


def test_each_model_gets_the_adapter_of_its_class(make_config: MakeConfig) -> None:
    model = loaded_model(prepared_session(make_config()))
    assert type(model) is TransformersModel
    assert (model.batched, model.requests_at_once, model.reads_last_scored) == (True, None, False)
    measured = model.measured()
    assert measured.size_bytes == sum(measured.bytes_by_dtype.values())
    assert (measured.dtype, measured.device) == ("float32", "cpu")


@pytest.mark.parametrize(("name", "messages"), [("local-completions", False), ("local-chat-completions", True)])
def test_a_server_says_each_answer_as_it_has_it(name: str, messages: bool) -> None:
    lm: Any = get_model(name)(model="served", base_url="http://127.0.0.1:9/v1", tokenizer_backend=None)
    model = adapt(lm, find_backend(name))
    assert type(model) is ApiModel
    assert (model.requests_at_once, model.takes_messages, model.must_speak) == (None, messages, True)


def test_the_adapter_of_a_row_comes_first() -> None:
    lm: Any = get_model("dummy")()
    assert type(adapt(lm, Backend("dummy"))) is LoadedModel
    own = adapt(lm, Backend("dummy", adapter=f"{__name__}:Own"))
    assert (type(own), own.requests_at_once) == (Own, 3)
