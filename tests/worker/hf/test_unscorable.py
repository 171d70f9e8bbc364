"""A choice without a token of its own: `hf` refuses it with a remedy, `hf-stock` scores and counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tokenizers import Tokenizer, decoders, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from benchy.errors import EvaluationFailed
from benchy.protocol import Evaluation
from benchy.record import EvaluationResult, Flaws
from benchy.worker.evaluation.evaluate import evaluation
from tests.worker.conftest import MakeConfig, prepared_session
from tests.worker.tiny import BEGIN, END, UNKNOWN, WORDS, write_tasks


@pytest.fixture
def joining_model(tmp_path: Path) -> Path:
    """Its tokenizer joins ":" and "A" to one token."""
    words = {word: number for number, word in enumerate([*WORDS, ":A"])}
    tokenizer = Tokenizer(models.BPE(words, [(":", "A")], unk_token=UNKNOWN))
    tokenizer.decoder = decoders.Fuse()
    special = {"unk_token": UNKNOWN, "bos_token": BEGIN, "eos_token": END, "pad_token": END}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(tmp_path / "joining")
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(words), eos_token_id=2, **sizes)).save_pretrained(tmp_path / "joining")
    return tmp_path / "joining"


@pytest.fixture
def evaluate(make_config: MakeConfig, joining_model: Path, tmp_path: Path) -> Any:
    def run(backend: str, choices: list[str]) -> EvaluationResult:
        folder = write_tasks(tmp_path / "tasks")
        task = yaml.safe_load((folder / "tiny_letter.yaml").read_text())
        task |= {"task": "joined", "target_delimiter": "", "doc_to_choice": choices, "doc_to_target": 0}
        (folder / "joined.yaml").write_text(yaml.safe_dump(task))
        model = {"name": str(joining_model), "backend": backend, "max_length": 512}
        session = prepared_session(make_config("joined", model=model, include_path=str(folder)))
        return evaluation(session, Evaluation(run_folder=str(tmp_path / "run")))

    return run


@pytest.mark.parametrize(("backend", "choices"), [("hf", ["A", "z"]), ("hf-stock", ["A", "zz"])])
def test_is_refused_with_a_remedy(evaluate: Any, backend: str, choices: list[str]) -> None:
    """lm-eval itself asserts, where no other choice is one token long."""
    with pytest.raises(EvaluationFailed, match=r"cannot score 'A' behind '.*Answer:'") as caught:
        evaluate(backend, choices)
    assert "target_delimiter" in caught.value.hint


def test_wins_in_lm_eval_and_is_counted(evaluate: Any) -> None:
    (part,) = evaluate("hf-stock", ["A", "z"]).benchmarks
    assert part.metrics[0].value == 1
    assert part.flaws == Flaws(unscored=12)
