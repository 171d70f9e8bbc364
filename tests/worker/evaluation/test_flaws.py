"""What makes a score misleading is counted in the record, from real evaluations, by both ways of computing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchy.protocol import Evaluation
from benchy.record import BenchmarkResult, Flaws
from benchy.worker.evaluation.evaluate import evaluation
from tests.worker.conftest import MakeConfig, prepared_session
from tests.worker.evaluation.test_evaluate import read_files
from tests.worker.tiny import write_tasks

BACKENDS = pytest.mark.parametrize("backend", ["hf", "hf-stock"])


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    folder = write_tasks(tmp_path / "tasks")
    choice, text = (yaml.safe_load((folder / f"tiny_{name}.yaml").read_text()) for name in ("choice", "text"))
    tests_only = {"fewshot_split": None, "num_fewshot": 3}
    until = {"until": list("aeiou "), "max_gen_toks": 12}
    for name, task in {
        "leaky": choice | tests_only,
        "leaky_text": text | tests_only,
        "careful": choice | {"fewshot_split": "test", "num_fewshot": 3},
        "vowels": text | {"generation_kwargs": until, "num_fewshot": 0},
    }.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(task | {"task": name}))
    return folder


@pytest.fixture
def flaws(make_config: MakeConfig, tasks: Path, tmp_path: Path) -> Any:
    """Return the flaws of an evaluation by benchmark, and lm-eval's samples."""

    def run(names: str, **changes: Any) -> tuple[dict[str, Flaws], dict[str, list[Any]]]:
        folder = tmp_path / f"run{len(list(tmp_path.glob('run*')))}"
        config = make_config(names, include_path=str(tasks), **changes)
        result = evaluation(prepared_session(config), Evaluation(run_folder=str(folder)))
        return {part.name: part.flaws for part in result.benchmarks}, read_files(folder)[1]

    return run


def test_examples_that_hold_the_question_are_counted(flaws: Any) -> None:
    found, samples = flaws("leaky,leaky_text,careful,tiny_choice")
    for name in ("leaky", "leaky_text"):
        asked = [(one["doc"]["question"], one["arguments"]["gen_args_0"]["arg_0"]) for one in samples[name]]
        expected = sum(prompt.count(question) > 1 for question, prompt in asked)
        assert 0 < expected < 12
        assert found[name].leaked == expected
    assert found["careful"].leaked == found["tiny_choice"].leaked == 0


@BACKENDS
def test_prompts_that_lose_their_beginning_are_counted(flaws: Any, backend: str) -> None:
    """A token is a character; the last of a choice is not read."""
    found, samples = flaws("tiny_choice,tiny_text", model={"backend": backend, "max_length": 180})
    lengths = [
        max(len(one["arg_0"] + one["arg_1"]) for one in sample["arguments"].values())
        for sample in samples["tiny_choice"]
    ]
    assert found["tiny_choice"].truncated == sum(length > 181 for length in lengths)
    prompts = [sample["arguments"]["gen_args_0"]["arg_0"] for sample in samples["tiny_text"]]
    assert found["tiny_text"].truncated == sum(len(prompt) > 180 - 12 for prompt in prompts)
    assert 0 < found["tiny_choice"].truncated < 12
    assert 0 < found["tiny_text"].truncated < 12


@BACKENDS
def test_answers_that_were_cut_or_empty_are_counted(flaws: Any, model_folder: Path, backend: str) -> None:
    found, samples = flaws("vowels", model={"backend": backend})
    prompts = [sample["arguments"]["gen_args_0"]["arg_0"] for sample in samples["vowels"]]
    assert found["vowels"].cut == sum(is_cut(model_folder, prompt) for prompt in prompts)
    assert found["vowels"].empty == sum(not sample["resps"][0][0].strip() for sample in samples["vowels"])
    assert 0 < found["vowels"].cut < 12


def is_cut(model_folder: Path, prompt: str) -> bool:
    """As transformers alone says it: 12 tokens are neither an end nor a stop sequence."""
    model = AutoModelForCausalLM.from_pretrained(model_folder)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    asked = tokenizer(prompt, return_tensors="pt").input_ids
    (said,) = model.generate(asked, max_new_tokens=12, do_sample=False)[:, asked.shape[1] :]
    return tokenizer.eos_token_id not in said and not set("aeiou ") & set(
        tokenizer.decode(said, skip_special_tokens=True)
    )


@BACKENDS
def test_whatever_sets_the_limit_of_an_answer(
    make_config: MakeConfig, tasks: Path, model_folder: Path, tmp_path: Path, backend: str
) -> None:
    """Each of lm-eval's words for it, and the model's own generation config."""
    limited = shutil.copytree(model_folder, tmp_path / "limited")
    settings = json.loads((limited / "generation_config.json").read_text())
    (limited / "generation_config.json").write_text(json.dumps(settings | {"max_new_tokens": 1}))
    limits = [f"{word}=1" for word in ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")]
    for number, (model, words) in enumerate([(limited, None), *((model_folder, words) for words in limits)]):
        changes = {"gen_kwargs": words and f"until=never,{words}", "limit": 3, "include_path": str(tasks)}
        config = make_config("tiny_text", model={"name": str(model), "backend": backend}, **changes)
        part = evaluate(config, tmp_path / str(number))
        assert part.flaws.cut == 3, words
    assert evaluate(config, tmp_path / str(number)).flaws.cut == 3, "after a resume too"


def evaluate(config: Any, folder: Path) -> BenchmarkResult:
    return evaluation(prepared_session(config), Evaluation(run_folder=str(folder))).benchmarks[0]
