"""A benchmark's YAML is read with what it includes, as lm-eval merges it, and names its data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchy.benchmarks.files import hub_datasets, is_on_hub, load_task, task_files, with_included
from benchy.benchmarks.index import index_folder
from benchy.bounded_yaml import MOST_BYTES
from benchy.errors import ConfigError


def write(folder: Path, **files: str) -> Path:
    """Write YAML files by their names; of two, the first is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder / f"{next(iter(files))}.yaml"


def test_what_is_included_is_overridden_by_what_includes_it(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        a="include: b.yaml\ntask: a\nnum_fewshot: 1\n",
        b="include: c.yaml\ntask: b\ndataset_path: org/b\n",
        c="dataset_path: org/c\ndoc_to_text: '{{q}}'\n",
    )
    assert load_task(str(path)) == {"task": "a", "num_fewshot": 1, "dataset_path": "org/b", "doc_to_text": "{{q}}"}
    assert with_included(str(path)) == [str(path), str(tmp_path / "b.yaml"), str(tmp_path / "c.yaml")]


def test_of_several_included_files_the_last_counts_as_in_lm_eval(tmp_path: Path) -> None:
    from lm_eval.tasks._yaml_loader import load_yaml

    path = write(tmp_path, a="include: [b.yaml, c.yaml]\ntask: a\n", b="x: b\ny: b\n", c="x: c\n")
    assert load_task(str(path)) == {"task": "a", "x": "c", "y": "b"}
    assert load_yaml(path, resolve_func=False) == {"task": "a", "x": "c", "y": "b"}


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    path = write(tmp_path, a="include: b.yaml\ntask: a\n", b="include: [a.yaml, b.yaml]\nx: 1\n")
    assert load_task(str(path)) == {"task": "a", "x": 1}
    assert with_included(str(path)) == [str(path), str(tmp_path / "b.yaml")]


@pytest.mark.parametrize("text", ["include: nowhere.yaml\n", 'include: "a\\0b"\n', "include: null\n", "include: []\n"])
def test_what_is_not_there_is_not_included(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, a=f"{text}task: a\n")
    assert load_task(str(path)) == {"task": "a"}
    assert with_included(str(path)) == [str(path)]


def test_functions_are_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, a="task: a\nprocess_docs: !function utils.own\nlist: [!function utils.b, 1]\n")
    assert load_task(str(path)) == {"task": "a", "process_docs": None, "list": [None, 1]}


@pytest.mark.parametrize("text", ["", "- a list\n", "just words\n"])
def test_a_file_without_settings_has_none(tmp_path: Path, text: str) -> None:
    assert load_task(str(write(tmp_path, a=text))) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [("a: [", "while parsing"), ("x: " + "y" * MOST_BYTES, "larger than"), ("a: &x [*x]", "contains itself")],
    ids=["cut", "large", "endless"],
)
def test_what_is_no_yaml_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, a="include: b.yaml\n", b=text)
    with pytest.raises(ConfigError) as refused:
        load_task(str(path))
    assert refused.value.message.startswith(f"{tmp_path / 'b.yaml'}: not valid YAML: ")
    assert said in refused.value.message
    assert "\n" not in refused.value.message


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Provide tasks, a group of them, a group of groups, and a tag."""
    write(
        tmp_path,
        one="task: one\ntag: some\n",
        two="task: two\ntag: [some]\n",
        few="group: few\ntask: [one, {task: two}, {group: inner, task: [one]}, 5]\n",
        all="group: all\ntask: [few, one, nowhere]\n",
        self="group: self\ntask: [self, two]\n",
    )
    return tmp_path


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (("one",), ["one"]),
        (("few",), ["one", "two"]),
        (("all",), ["one", "one", "two"]),
        (("some",), ["one", "two"]),
        (("self",), ["two"]),
        (("t*",), ["two"]),
        (("nowhere",), []),
        (("two", "one"), ["one", "two"]),
    ],
)
def test_a_name_stands_for_its_benchmarks(library: Path, names: tuple[str, ...], files: list[str]) -> None:
    found = task_files(names, index_folder(library))
    assert sorted(Path(path).stem for path in found) == files


def test_files_of_ones_own_are_taken_by_their_path(library: Path, tmp_path: Path) -> None:
    own = write(tmp_path / "own", mine="task: mine\n", group="group: g\ntask: [one, two]\n")
    index = index_folder(library)
    assert list(task_files((str(own),), index)) == [str(own)]
    assert sorted(Path(path).stem for path in task_files((str(tmp_path / "own" / "group.yaml"),), index)) == [
        "one",
        "two",
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"dataset_path": "org/data"}, ("org/data", None, {}, "", False)),
        ({"dataset_path": "squad", "dataset_name": "v2"}, ("squad", "v2", {}, "", False)),
        (
            {"dataset_path": "org/data", "dataset_kwargs": {"revision": "r1", "trust_remote_code": True}},
            ("org/data", None, {"revision": "r1"}, "r1", False),
        ),
        ({"dataset_path": "org/data", "dataset_kwargs": "odd"}, ("org/data", None, {}, "", False)),
        ({"dataset_path": "org/data", "custom_dataset": None}, ("org/data", None, {}, "", True)),
        ({"dataset_path": "org/data", "class": None}, ("org/data", None, {}, "", True)),
        ({"dataset_path": "json"}, None),
        ({"dataset_path": 5}, None),
        ({}, None),
    ],
)
def test_data_sets_on_the_hub_are_named(settings: dict[str, Any], expected: tuple[object, ...] | None) -> None:
    found = [(d.name, d.part, d.options, d.revision, d.by_code) for d in hub_datasets([{"task": "t"} | settings])]
    assert found == ([] if expected is None else [expected])
    assert all(data_set.benchmark == "t" for data_set in hub_datasets([{"task": "t"} | settings]))


@pytest.mark.parametrize(
    ("name", "on_hub"),
    [("squad", True), ("org/data", True), ("json", False), ("parquet", False), ("a/b/c", False), ("here", False)],
)
def test_data_sets_on_the_hub_are_told_from_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, on_hub: bool
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    assert is_on_hub(name) is on_hub
