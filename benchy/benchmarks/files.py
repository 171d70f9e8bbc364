"""A benchmark's YAML files, and the datasets that they name."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchy.benchmarks.index import AnyTagLoader, TaskIndex

BUILDERS = {"json", "csv", "parquet", "text", "arrow", "webdataset", "imagefolder", "audiofolder", "xml", "pandas"}
"""Names of `datasets` for files that a task brings itself."""


def load_task(path: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """A task's YAML with those that it includes; functions are read as nothing."""
    loaded = yaml.load(Path(path).read_bytes(), Loader=AnyTagLoader)  # noqa: S506 - a SafeLoader
    own: dict[str, Any] = loaded if isinstance(loaded, dict) else {}
    includes = own.pop("include", None) or []
    merged: dict[str, Any] = {}
    for name in [includes] if isinstance(includes, str) else includes:
        included = str((Path(path).parent / name).resolve())
        if included not in seen and Path(included).is_file():
            merged |= load_task(included, (*seen, path))
    return merged | own


def task_files(names: tuple[str, ...], index: TaskIndex, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The YAML files of every single benchmark that names, patterns, groups and tags stand for."""
    for name in names:
        if name.endswith(".yaml"):
            yield name
            continue
        for match in [name] if name in index else fnmatch.filter(index, name):
            entry = index[match]
            if match in seen:
                continue
            if entry.kind == "tag":
                yield from task_files(tuple(entry.members), index, seen | {match})
            elif entry.kind == "group" and entry.path:
                yield from task_files(_group_members(entry.path), index, seen | {match})
            elif entry.path:
                yield entry.path


def _group_members(path: str) -> tuple[str, ...]:
    members = load_task(path).get("task") or []
    names = [member.get("task") if isinstance(member, dict) else member for member in members]
    return tuple(name for name in names if isinstance(name, str))


def datasets_of(settings: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Name and revision of each data set on the Hub."""
    for task in settings:
        name = task.get("dataset_path")
        if isinstance(name, str) and is_on_hub(name):
            yield name, str((task.get("dataset_kwargs") or {}).get("revision") or "")


def is_on_hub(data_set: str) -> bool:
    """Whether a task's ``dataset_path`` names a data set on the Hub, rather than files."""
    return data_set not in BUILDERS and not Path(data_set).exists() and data_set.count("/") <= 1
