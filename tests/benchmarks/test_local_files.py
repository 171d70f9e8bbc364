"""What a benchmark reads of this machine is known before a container hides it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchy.benchmarks.local_files import local_files, texts_in


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a folder with data, which is the current one."""
    for name in ("data/a.jsonl", "data/deep/b.jsonl", "set/c.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(folder: Path, text: str) -> list[str]:
    """Return the files of a benchmark beside its own YAML, relative to the folder."""
    (folder / "task.yaml").write_text(f"task: t\n{text}", encoding="utf-8")
    first, *rest = local_files("task.yaml")
    assert first == folder / "task.yaml"
    return [path.relative_to(folder).as_posix() for path in rest]


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("", []),
        ("dataset_path: org/data\n", []),
        ("dataset_path: json\n", []),
        ("dataset_path: 5\n", []),
        ("dataset_path: set\n", ["set"]),
        ("dataset_path: ./set\n", ["set"]),
        ("dataset_path: json\ndataset_kwargs: {data_files: data/a.jsonl}\n", ["data/a.jsonl"]),
        ("dataset_kwargs: {data_files: [data/a.jsonl, set/c.parquet]}\n", ["data/a.jsonl", "set/c.parquet"]),
        (
            "dataset_kwargs: {data_files: {test: [data/a.jsonl], train: set/c.parquet}}\n",
            ["data/a.jsonl", "set/c.parquet"],
        ),
        ("dataset_kwargs: {data_dir: data}\n", ["data"]),
        ("dataset_kwargs: {data_files: data/*.jsonl}\n", ["data"]),
        ("dataset_kwargs: {data_files: data/**/b.jsonl}\n", ["data"]),
        ("dataset_kwargs: {data_files: 'data/deep/[ab].jsonl'}\n", ["data/deep"]),
        ("dataset_kwargs: {data_files: data/nowhere.jsonl}\n", []),
        ("dataset_kwargs: {data_files: 'https://host/data/a.jsonl'}\n", []),
        ("dataset_kwargs: {data_files: 'hf://datasets/org/data/a.jsonl'}\n", []),
        ("dataset_kwargs: {name: data/a.jsonl}\n", []),
        ("dataset_kwargs: [data/a.jsonl]\n", []),
    ],
)
def test_data_on_this_machine_is_found(data: Path, text: str, files: list[str]) -> None:
    assert found(data, text) == files


def test_absolute_paths_are_as_good(data: Path) -> None:
    assert found(data, f"dataset_kwargs: {{data_files: {data / 'data' / 'a.jsonl'}}}\n") == ["data/a.jsonl"]


def test_what_is_included_is_read_too_and_its_data(data: Path) -> None:
    (data / "base.yaml").write_text("dataset_path: set\n", encoding="utf-8")
    assert found(data, "include: base.yaml\n") == ["base.yaml", "set"]


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (None, []),
        (5, []),
        ("a", ["a"]),
        (["a", ["b", 5], None], ["a", "b"]),
        ({"x": "a", "y": ["b", {"z": "c"}]}, ["a", "b", "c"]),
        ({"a": 1}, []),
    ],
)
def test_every_text_of_a_value_is_found(value: Any, texts: list[str]) -> None:
    assert list(texts_in(value)) == texts
