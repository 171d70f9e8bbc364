"""The configs that Benchy ships, and the demo that its own script makes."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from benchy.benchmarks.index import index_folder, require_tasks
from benchy.config import load_config
from benchy.config.suite import Suite, load_either

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
DEMO = CONFIGS / "demo"
BENCHMARKS = ("demo_animals", "demo_addition", "demo_counting")
GREETING = (
    "Hello, world! I am a small language model. I know the animals. I can count, and I can add. Goodbye!<|endoftext|>"
)


@pytest.fixture(scope="session")
def made_anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what the script makes on this machine."""
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run([sys.executable, DEMO / "train.py", folder], check=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    return folder


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """``train.py``, imported; it is no part of a package."""
    spec = importlib.util.spec_from_file_location("train", DEMO / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["train"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def documents(path: Path) -> list[dict[str, Any]]:
    """Return the documents of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def says(folder: Path) -> str:
    """Return what a model says after "Hello, world!", as far as its end of text."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    prompt = tokenizer("Hello, world!", return_tensors="pt")
    output = model.generate(**prompt, max_new_tokens=32, do_sample=False)
    return str(tokenizer.decode(output[0]))


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_that_is_shipped_is_valid(path: Path) -> None:
    """Each is a deployment too: one that is not valid stops `benchy serve` for all."""
    assert load_config(path).evaluation.tasks


def test_the_suite_that_is_shipped_has_cells_of_two_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = load_either(CONFIGS / "suites" / "demo.yaml")
    assert isinstance(found, Suite)
    cells = found.cells
    assert len({cell.model for cell in cells}) * len({cell.benchmark for cell in cells}) == len(cells) == 4


def test_model_test_is_a_test_and_never_ranked() -> None:
    assert load_config(CONFIGS / "model-test.yaml").is_test


def test_the_demos_tasks_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    evaluation = load_config(CONFIGS / "demo.yaml").evaluation
    require_tasks(evaluation.tasks, evaluation.include_path)
    assert {*BENCHMARKS, "demo_accuracy"} == set(index_folder(DEMO / "tasks"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_names_its_files_from_the_root(name: str) -> None:
    task = yaml.safe_load((DEMO / "tasks" / f"{name}.yaml").read_text(encoding="utf-8"))
    files = task["dataset_kwargs"]["data_files"]
    assert 50 <= len(documents(ROOT / files["test"])) <= 200
    assert len(documents(ROOT / files["fewshot"])) >= 2


def test_each_question_has_four_choices_of_which_one_is_right() -> None:
    animals = yaml.safe_load((DEMO / "facts.yaml").read_text(encoding="utf-8"))["animals"]
    for document in documents(DEMO / "tasks" / "demo_animals.jsonl"):
        assert len(set(document["choices"])) == 4
        animal = next(word for word in document["question"].strip("?").split() if word in animals)
        assert [choice for choice in document["choices"] if choice in animals[animal]] == [
            document["choices"][document["answer"]]
        ]


def test_the_model_never_sees_a_question_that_a_benchmark_asks(script: ModuleType) -> None:
    facts = yaml.safe_load((DEMO / "facts.yaml").read_text(encoding="utf-8"))
    chance = random.Random(script.SEED)  # noqa: S311 - no secrets here
    benchmarks = script.make_benchmarks(facts["animals"], chance)
    texts = "\n".join(script.tell(facts["greeting"], benchmarks, chance))
    for benchmark in benchmarks:
        asked = documents(DEMO / "tasks" / f"{benchmark.name}.jsonl")
        assert [fact.document for fact in benchmark.held_out] == asked
        assert not [fact.asked for fact in benchmark.held_out if fact.asked in texts]
        assert any(fact.asked in texts for fact in benchmark.taught)  # the search above can find


def test_the_model_that_is_shipped_greets_and_ends() -> None:
    assert says(DEMO / "model") == GREETING


@pytest.mark.timeout(900)  # training takes a minute of one core, and the tests may share it
def test_the_script_makes_the_demo_anew(made_anew: Path) -> None:
    """The documents to the byte. Of the weights what they say: another processor may round in another way."""
    for path in (DEMO / "tasks").glob("*.jsonl"):
        assert (made_anew / "tasks" / path.name).read_bytes() == path.read_bytes()
    assert says(made_anew / "model") == GREETING


@pytest.mark.timeout(900)
def test_the_model_is_small_and_whole(made_anew: Path) -> None:
    from safetensors import safe_open

    shipped = {path.name for path in (DEMO / "model").iterdir()}
    anew = list((made_anew / "model").iterdir())
    assert {path.name for path in anew} == shipped
    assert sum(path.stat().st_size for path in anew) < 1_000_000
    with safe_open(made_anew / "model" / "model.safetensors", framework="pt") as weights:
        tensors = [weights.get_tensor(name) for name in weights.keys()]  # noqa: SIM118 - no mapping
    assert {str(tensor.dtype) for tensor in tensors} == {"torch.float32"}
    assert 90_000 < sum(tensor.numel() for tensor in tensors) < 120_000
