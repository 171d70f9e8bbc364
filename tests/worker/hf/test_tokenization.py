"""Batched tokenization gives what lm-eval gives one by one."""

from __future__ import annotations

from typing import Any

import pytest
from lm_eval.api.model import TemplateLM
from lm_eval.models.huggingface import HFLM

from benchy.worker.hf.tokenization import encode_pairs
from tests.worker.hf.shapes import Requests, instances, random_model

SPACES = [(" ", "da"), ("\n\n", "da"), ("da  \n ", "\n da"), ("da", "  "), ("<s>da ", "da"), (" da", "<s>")]


class Recorder(HFLM):  # type: ignore[misc]
    """lm-eval's own tokenization, kept instead of scored."""

    def _loglikelihood_tokens(self, requests: list[Any], **_: Any) -> list[Any]:
        return requests


@pytest.mark.parametrize("tokenizer_adds_bos", [False, True])
@pytest.mark.parametrize("add_bos_token", [None, False, True])
def test_the_same_tokens_as_lm_eval(
    tokenizers: dict[bool, Any], tokenizer_adds_bos: bool, add_bos_token: bool | None
) -> None:
    tokenizer = tokenizers[tokenizer_adds_bos]
    lm = Recorder(pretrained=random_model("llama"), tokenizer=tokenizer, add_bos_token=add_bos_token)
    pairs = [*Requests(0).all(), *SPACES]
    expected = TemplateLM.loglikelihood(lm, instances(pairs), disable_tqdm=True)
    assert list(encode_pairs(lm, pairs)) == expected
