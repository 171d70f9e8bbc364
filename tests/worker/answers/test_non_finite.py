"""A log-likelihood that is no number ends an evaluation, and the error names the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from benchy.errors import EvaluationFailed
from benchy.protocol import Evaluation, ModelTest
from benchy.worker.evaluation.evaluate import evaluation
from benchy.worker.model_test import model_test
from tests.worker.conftest import MakeConfig, prepared_session
from tests.worker.openai_server import serving
from tests.worker.tiny import write_model


@pytest.fixture
def broken_model(tmp_path: Path) -> Path:
    """Write a model that computes NaN from the character 7 on; of the twelve documents, number 7 alone has one."""
    folder = write_model(tmp_path / "broken")
    model = AutoModelForCausalLM.from_pretrained(folder)
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    with torch.no_grad():
        model.model.embed_tokens.weight[3 + ord("7") - 32] = torch.nan
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("backend", "task"), [("hf-stock", "tiny_letter"), ("hf", "tiny_letter"), ("hf", "tiny_rolling")]
)
def test_nan_ends_the_evaluation(
    broken_model: Path, make_config: MakeConfig, tmp_path: Path, backend: str, task: str
) -> None:
    session = prepared_session(make_config(task, model={"name": str(broken_model), "backend": backend}))
    model_test(session, ModelTest())
    for _ in ("at first", "after a resume"):
        with pytest.raises(EvaluationFailed, match=f"^{task}: in 1 of 12 documents") as caught:
            evaluation(session, Evaluation(run_folder=str(tmp_path / "run")))
        assert "NaN or infinite (documents 7)" in caught.value.message
        assert "dtype" in caught.value.hint
    assert not list((tmp_path / "run").glob("results_*"))


def test_nan_of_an_api(broken_model: Path, make_config: MakeConfig, tmp_path: Path) -> None:
    with serving(broken_model) as server:
        args = {"base_url": f"{server.url}/completions", "tokenizer": str(broken_model)}
        model = {"name": "served", "backend": "local-completions", "dtype": None, "args": args}
        session = prepared_session(make_config("tiny_letter", model=model, batch_size=1))
        with pytest.raises(EvaluationFailed, match=re.escape("(documents 7)")) as caught:
            evaluation(session, Evaluation(run_folder=str(tmp_path / "run")))
    assert "dtype" not in caught.value.hint
