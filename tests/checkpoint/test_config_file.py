"""What a checkpoint's JSON files say, also where they say it in other types than they should."""

from __future__ import annotations

from typing import Any

import pytest

from benchy.checkpoint.config_file import AdapterFile, ConfigFile, chat_template_names
from benchy.errors import ModelLoadError

SAID = {
    "model_type": "llama",
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": True,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_size": 32,
    "vocab_size": 100,
    "auto_map": {},
    "quantization_config": {"quant_method": "fp8"},
}


def test_a_config_says_what_the_model_is() -> None:
    file = ConfigFile.parse(SAID)
    assert (file.model_type, file.stored_dtype, file.layers) == ("llama", "bfloat16", 2)
    assert (file.brings_code, file.is_fp8, file.ties_embeddings) == (True, True, True)
    assert file.shape is not None
    assert file.shape.hidden == 32
    assert ConfigFile.parse(SAID | {"dtype": "float16"}).stored_dtype == "float16", "the newer name comes first"


def test_an_empty_config_says_nothing() -> None:
    assert ConfigFile.parse({}) == ConfigFile(
        model_type=None,
        brings_code=False,
        stored_dtype=None,
        is_fp8=False,
        ties_embeddings=None,
        layers=None,
        shape=None,
    )


@pytest.mark.parametrize("odd", [[], {}, 7, None, True])
def test_what_has_another_type_is_not_said(odd: Any) -> None:
    file = ConfigFile.parse({"model_type": odd, "dtype": odd, "quantization_config": odd, "hidden_size": "32"})
    assert (file.model_type, file.stored_dtype, file.is_fp8, file.shape) == (None, None, False, None)
    assert AdapterFile.parse({"base_model_name_or_path": odd, "revision": odd}) == AdapterFile(None, None)
    assert chat_template_names({"chat_template": odd}) == set()


def test_a_number_beyond_any_model_is_refused() -> None:
    with pytest.raises(ModelLoadError, match="num_hidden_layers: 1000000"):
        ConfigFile.parse(SAID | {"num_hidden_layers": 1_000_000})


def test_templates_have_names() -> None:
    assert chat_template_names({"chat_template": "{{ messages }}"}) == {"default"}
    assert chat_template_names({"chat_template": [{"name": "tools"}, {"name": "rag"}, 3]}) == {"tools", "rag"}
