"""What two runs may differ in and still stand in one column, field by field, with lm-eval's own tasks and evaluator."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from lm_eval.config.task import FewshotConfig, TaskConfig
from lm_eval.models.dummy import DummyLM

from benchy.backends import find_backend
from benchy.config import EvaluationConfig, parse_config
from benchy.record import BenchmarkSeconds
from benchy.results.conditions import Conditions, conditions_of
from benchy.worker.backends.lm import adapt
from benchy.worker.evaluation.results import benchmark_result, group_result
from benchy.worker.evaluation.simple_evaluate import simple_evaluate
from benchy.worker.harness.benchmarks import build_tasks
from benchy.worker.harness.questions import LEFT_OUT, LEFT_OUT_OF_EXAMPLES, QuestionReader, plain
from tests.records import make_record

DOCUMENTS: list[dict[str, Any]] = [
    {"q": f"question {number}", "choices": ["yes", "no"], "a": number % 2} for number in range(4)
]
SHOTS: list[dict[str, Any]] = [
    {"q": f"example {number}", "choices": ["yes", "no"], "a": number % 2} for number in range(5)
]
CODE = """
QUESTION = "{word}: "

def documents(dataset):
    return dataset.filter(lambda document: document["q"] != "question 3")

def same_documents(dataset):
    return dataset

def text(document):
    return QUESTION + document["q"]

def results(document, results):
    return {{"acc": 1.0}}

def load(**arguments):
    import datasets
    rows = [{{"q": "made", "choices": ["yes", "no"], "a": 0}}]
    return {{"test": datasets.Dataset.from_list(rows), "train": datasets.Dataset.from_list(rows * 3)}}
"""


class Own(str):
    """The name of a function beside the YAML."""


yaml.SafeDumper.add_representer(Own, lambda dumper, name: dumper.represent_scalar("!function", str(name)))


@dataclasses.dataclass
class Library:
    """A folder with tasks, each the base with some changes."""

    folder: Path

    def add(self, name: str, changes: dict[str, Any]) -> str:
        files = {split: str(self.folder / f"{split}.jsonl") for split in ("test", "train", "validation")}
        base = {
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": files},
            "test_split": "test",
            "fewshot_split": "train",
            "num_fewshot": 1,
            "output_type": "multiple_choice",
            "doc_to_text": "{{q}}",
            "doc_to_choice": "{{choices}}",
            "doc_to_target": "{{a}}",
            "metric_list": [{"metric": "acc"}],
            "metadata": {"version": 1.0},
        }
        settings = {key: value for key, value in (base | changes).items() if value is not None}
        (self.folder / f"{name}.yaml").write_text(yaml.dump(settings, Dumper=yaml.SafeDumper))
        return name

    def placed(self, changes: dict[str, Any]) -> dict[str, Any]:
        """With the paths that are known only now."""
        text = {"COPY": str(self.folder / "copy")}
        if isinstance(kwargs := changes.get("dataset_kwargs"), dict):
            files = {split: path.replace("COPY", text["COPY"]) for split, path in kwargs["data_files"].items()}
            return changes | {"dataset_kwargs": {"data_files": files}}
        return {key: text.get(value, value) if isinstance(value, str) else value for key, value in changes.items()}

    def write(self, **splits: list[dict[str, Any]]) -> None:
        for split, rows in ({"test": DOCUMENTS, "train": SHOTS, "validation": DOCUMENTS[:3]} | splits).items():
            (self.folder / f"{split}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "own.py").write_text(CODE.format(word="Q"))
    (tmp_path / "other.py").write_text(CODE.format(word="Question"))
    (tmp_path / "copied.py").write_text(CODE.format(word="Q"))
    made = Library(tmp_path)
    made.write()
    (tmp_path / "copy").mkdir()
    for split in ("test", "train", "validation"):
        shutil.copy(tmp_path / f"{split}.jsonl", tmp_path / "copy")
    return made


@pytest.fixture(autouse=True)
def _without_facts_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """lm-eval asks ten programs about it, at each evaluation."""
    monkeypatch.setattr("lm_eval.evaluator.add_env_info", lambda _storage: None)
    monkeypatch.setattr("lm_eval.evaluator.get_git_commit_hash", lambda: None)


class Chance(DummyLM):  # type: ignore[misc]
    """lm-eval's own model that answers by chance, with a chat template, for questions with pictures too."""

    MULTIMODAL = True
    tokenizer_name = "chance"

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:  # noqa: ARG002 - lm-eval passes it
        return "".join(f"[{turn['role']}] {turn['content']}" for turn in chat_history)


def conditions(library: Library, *names: str, **evaluation: Any) -> dict[str, Conditions]:
    """Of each benchmark and group, as if they all had one name."""
    section = {"tasks": list(names), "device": "cpu", "include_path": str(library.folder), **evaluation}
    config = parse_config({"model": {"name": "org/model"}, "evaluation": section}, source="test")
    arguments = {"pretrained": str(library.folder)}
    built, lm = build_tasks(config, arguments), Chance()
    reader = QuestionReader(lm, config.evaluation.system_instruction)
    with reader.watching(built.loaded["tasks"]):
        evaluated = simple_evaluate(config, arguments, adapt(lm, find_backend("dummy")), built, library.folder, lm=lm)
    seconds = BenchmarkSeconds(task_build=0, inference=0, scoring=0)
    benchmarks = {
        name: benchmark_result(name, evaluated, built.loaded["tasks"][name], seconds, reader.of_benchmark(name))
        for name in evaluated.benchmarks
    }
    record = make_record(
        benchmarks=tuple(benchmarks.values()),
        groups=tuple(
            group_result(name, evaluated.results, benchmarks, reader.of_group(group))
            for name, group in built.loaded["groups"].items()
        ),
        evaluation={name: value for name, value in evaluation.items() if name != "tasks"},
    )
    assert record.evaluation is not None
    parts = [*record.evaluation.benchmarks, *record.evaluation.groups]
    found = {part.name: conditions_of(part, record.evaluation, record) for part in parts}
    assert all(one.are_proven for one in found.values())
    return {name: one.model_copy(update={"benchmark": "the same"}) for name, one in found.items()}


SAME, OTHER = True, False
YAML: dict[str, tuple[dict[str, Any], bool]] = {
    "task": ({}, SAME),  # another name is another column; what is asked is the same
    "task_alias": ({"task_alias": "Shown so"}, SAME),
    "tag": ({"tag": "some_tag"}, SAME),
    "custom_dataset": ({"custom_dataset": Own("own.load")}, OTHER),
    "dataset_path": ({"dataset_path": "COPY", "dataset_kwargs": None}, SAME),
    "dataset_name": ({"dataset_name": "elsewhere"}, SAME),
    "dataset_kwargs": (
        {"dataset_kwargs": {"data_files": {"test": "COPY/validation.jsonl", "train": "COPY/train.jsonl"}}},
        OTHER,
    ),
    "training_split": ({"training_split": "train"}, SAME),
    "validation_split": ({"validation_split": "validation"}, SAME),
    "test_split": ({"test_split": "validation"}, OTHER),
    "fewshot_split": ({"fewshot_split": "validation"}, OTHER),
    "process_docs": ({"process_docs": Own("own.documents")}, OTHER),
    "doc_to_text": ({"doc_to_text": "Q: {{q}}"}, OTHER),
    "doc_to_target": ({"doc_to_target": "{{1 - a}}"}, OTHER),
    "doc_to_image": ({"doc_to_image": "{{[]}}"}, OTHER),
    "doc_to_audio": ({"doc_to_audio": "{{[]}}"}, OTHER),
    "unsafe_code": ({"unsafe_code": True}, SAME),
    "doc_to_choice": ({"doc_to_choice": ["no", "yes"]}, OTHER),
    "process_results": ({"process_results": Own("own.results")}, OTHER),
    "description": ({"description": "Answer the questions."}, OTHER),
    "target_delimiter": ({"target_delimiter": ": "}, OTHER),
    "fewshot_delimiter": ({"fewshot_delimiter": "\n"}, OTHER),
    "fewshot_config": ({"fewshot_config": {"sampler": "first_n"}}, OTHER),
    "num_fewshot": ({"num_fewshot": 2}, OTHER),
    "metric_list": ({"metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}]}, OTHER),
    "output_type": ({"output_type": "loglikelihood"}, OTHER),
    "generation_kwargs": ({"generation_kwargs": {"until": ["."]}}, OTHER),
    "repeats": ({"repeats": 2}, OTHER),
    "filter_list": ({"filter_list": [{"name": "first", "filter": [{"function": "take_first"}]}]}, OTHER),
    "should_decontaminate": ({"should_decontaminate": True}, SAME),
    "doc_to_decontamination_query": ({"doc_to_decontamination_query": "{{q}}"}, SAME),
    "gen_prefix": ({"gen_prefix": "The answer is"}, OTHER),
    "metadata": ({"metadata": {"version": 1.0, "note": "mine"}}, SAME),
}
EXAMPLES: dict[str, tuple[dict[str, Any], bool]] = {
    "sampler": ({"sampler": "first_n"}, OTHER),
    "split": ({"split": "validation"}, OTHER),
    "process_docs": ({"process_docs": Own("own.same_documents")}, SAME),
    "fewshot_indices": ({"fewshot_indices": [0, 1]}, OTHER),
    "samples": ({"samples": SHOTS}, SAME),  # the split goes before them
    "doc_to_text": ({"doc_to_text": "Q: {{q}}"}, OTHER),
    "doc_to_choice": ({"doc_to_choice": ["no", "yes"]}, OTHER),
    "doc_to_target": ({"doc_to_target": "{{1 - a}}"}, OTHER),
    "gen_prefix": ({"gen_prefix": "The answer is"}, OTHER),
    "fewshot_delimiter": ({"fewshot_delimiter": "\n"}, OTHER),
    "target_delimiter": ({"target_delimiter": ": "}, OTHER),
}
MORE: dict[str, tuple[dict[str, Any], bool]] = {
    "version": ({"metadata": {"version": 2.0}}, OTHER),
    "no_change_by_process_docs": ({"process_docs": Own("own.same_documents")}, SAME),
    "function": ({"doc_to_text": Own("own.text")}, OTHER),
    "same_function_again": ({"doc_to_text": Own("copied.text")}, OTHER),
    "constant_of_a_function": ({"doc_to_text": Own("other.text")}, OTHER),
}


def test_each_field_of_a_benchmarks_yaml_counts_or_is_known_not_to(library: Library) -> None:
    """A field that a new lm-eval brings fails here until it is said what it does."""
    assert {*YAML, "use_prompt"} == {field.name for field in dataclasses.fields(TaskConfig)}, "that is tried by itself"
    assert EXAMPLES.keys() == {field.name for field in dataclasses.fields(FewshotConfig)}
    assert {*YAML, "use_prompt"} >= LEFT_OUT.keys()
    assert EXAMPLES.keys() >= LEFT_OUT_OF_EXAMPLES.keys()
    cases = (
        YAML | MORE | {f"examples_{name}": ({"fewshot_config": own}, same) for name, (own, same) in EXAMPLES.items()}
    )
    names = [library.add(f"case_{name}", library.placed(changes)) for name, (changes, _) in cases.items()]
    found = conditions(library, library.add("base", {}), *names, confirm_run_unsafe_code=True)
    wrong = [name for name, (_, same) in cases.items() if (found[f"case_{name}"] == found["base"]) is not same]
    assert wrong == []
    copied, function, constant = (
        found[f"case_{name}"] for name in ("same_function_again", "function", "constant_of_a_function")
    )
    assert copied == function, "a copy of the file beside it is the same function"
    assert constant != function, "its source is the same, and a constant of its module is not"


SECTION: dict[str, tuple[object, bool]] = {
    "tasks": (["base", "second"], SAME),
    "device": ("cuda", SAME),
    "batch_size": (2, SAME),
    "max_batch_size": (8, SAME),
    "num_fewshot": (2, OTHER),
    "limit": (2, OTHER),
    "apply_chat_template": (True, SAME),  # of the row
    "fewshot_as_multiturn": (True, SAME),  # of the row
    "system_instruction": ("Be brief.", OTHER),
    "gen_kwargs": ("temperature=0.5,do_sample=True", SAME),  # lm-eval gives them to none but generated answers
    "include_path": (None, SAME),
    "seed": (7, OTHER),
    "confirm_run_unsafe_code": (True, SAME),
    "cache_requests": (False, SAME),
    "log_samples": (False, SAME),
    "cluster": ("passage", SAME),  # of what a comparison makes of the scores
    "output_path": ("elsewhere", SAME),
}


def test_each_key_of_the_evaluation_counts_or_is_known_not_to(library: Library, tmp_path: Path) -> None:
    assert SECTION.keys() == EvaluationConfig.model_fields.keys()
    library.add("base", {})
    library.add("second", {})
    base = conditions(library, "base")["base"]
    (tmp_path / "more").mkdir()
    values = {name: value for name, (value, _) in SECTION.items()}
    values |= {"include_path": [str(library.folder), str(tmp_path / "more")]}
    changed = {name: conditions(library, "base", **{name: value})["base"] for name, value in values.items()}
    wrong = [name for name, (_, same) in SECTION.items() if (changed[name] == base) is not same]
    assert wrong == []
    assert conditions(library, "base", seed=[7, 8, 9, 1234])["base"] == base


def test_arguments_of_generation_count_where_text_is_generated_and_equal_numbers_are_equal(library: Library) -> None:
    text = {"output_type": "generate_until", "doc_to_choice": None, "metric_list": [{"metric": "exact_match"}]}
    library.add("base", text)
    base = conditions(library, "base")["base"]
    warm = conditions(library, "base", gen_kwargs="temperature=0.5")["base"]
    assert warm != base
    assert conditions(library, "base", gen_kwargs={"temperature": 0.5})["base"] == warm
    one = conditions(library, "base", gen_kwargs={"temperature": 1.0})["base"]
    assert conditions(library, "base", gen_kwargs="temperature=1")["base"] == one


def test_a_prompt_of_a_file_counts_by_its_text_and_not_by_its_place(library: Library) -> None:
    text = {"output_type": "generate_until", "doc_to_choice": None, "metric_list": [{"metric": "exact_match"}]}
    for name, asked in (("one", "Well, "), ("same", "Well, "), ("other", "So, ")):
        prompt = {"prompts": {"ask": {"doc_to_text": asked + "{{q}}", "doc_to_target": "{{a}}"}}}
        (library.folder / f"prompt_{name}.yaml").write_text(yaml.safe_dump(prompt))
        library.add(name, text | {"use_prompt": f"{library.folder}/prompt_{name}.yaml:ask"})
    found = conditions(library, "one", "same", "other")
    assert (found["one"] == found["same"], found["one"] == found["other"]) == (True, False)


def test_answers_and_documents_count_and_their_order_does_not(library: Library) -> None:
    library.add("base", {})
    library.add("second", {"num_fewshot": 0})
    (library.folder / "both.yaml").write_text(yaml.safe_dump({"group": "both", "task": ["base", "second"], **MEAN}))

    def asked(**splits: list[dict[str, Any]]) -> dict[str, Conditions]:
        library.write(**splits)
        return conditions(library, "both")

    before = asked()
    assert asked(test=DOCUMENTS[::-1]) == before
    every_second = [row | {"a": 1 - row["a"]} if number % 2 else row for number, row in enumerate(DOCUMENTS)]
    for changed in (
        every_second,
        [*DOCUMENTS[:3], DOCUMENTS[3] | {"q": "another"}],
        DOCUMENTS[:3],
        DOCUMENTS + DOCUMENTS[:1],
    ):
        found = asked(test=changed)
        assert [found[name] == before[name] for name in ("base", "second", "both")] == [False] * 3
    examples = asked(train=SHOTS[::-1])
    assert [examples[name] == before[name] for name in ("base", "second", "both")] == [False, True, False]


MEAN = {"aggregate_metric_list": [{"metric": "acc", "weight_by_size": True}], "metadata": {"version": 1.0}}


def test_what_differs_between_machines_is_no_part_of_it() -> None:
    class Odd:
        pass

    assert plain({"b": 1.0, "a": (2, None)}) == {"b": 1, "a": [2, None]}
    assert plain({"x", "y"}) == plain({"y", "x"})
    assert plain(Odd()) == plain(Odd()), "no address"
    assert plain(test_what_differs_between_machines_is_no_part_of_it) != plain(conditions)
