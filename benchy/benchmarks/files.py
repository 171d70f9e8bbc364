"""A benchmark's YAML files, and the datasets that they name."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchy.benchmarks.index import AnyTagLoader, TaskIndex, index_tasks
from benchy.benchmarks.own_files import own_files
from benchy.bounded_yaml import MOST_BYTES, read_yaml
from benchy.errors import ConfigError

BUILDERS = {"json", "csv", "parquet", "text", "arrow", "webdataset", "imagefolder", "audiofolder", "xml", "pandas"}
"""Names of `datasets` for files that a task brings itself."""


def load_task(path: str) -> dict[str, Any]:
    """Return a task's YAML with those that it includes; functions are read as nothing.

    Raises:
        ConfigError: a file is no YAML, or beyond the bounds of what is read.
    """
    merged: dict[str, Any] = {}
    for _, own in reversed(list(_included(path, ()))):
        merged |= own
    merged.pop("include", None)
    return merged


def with_included(path: str) -> list[str]:
    """Return a YAML's path and those of all files that it includes, each once.

    Raises:
        ConfigError: as `load_task`.
    """
    return list(dict.fromkeys(file for file, _ in _included(path, ())))


def _included(path: str, within: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield files with their own settings; of two with the same key lm-eval takes the one that comes first here."""
    own = _read(path)
    yield path, own
    said = own.get("include") or []
    for name in reversed(said if isinstance(said, list) else [said]):
        included = os.path.realpath(Path(path).parent / str(name).replace("\0", ""))
        if included not in (*within, path) and Path(included).is_file():
            yield from _included(included, (*within, path))


def _read(path: str) -> dict[str, Any]:
    """One file's own settings.

    Raises:
        ConfigError: it is no YAML, or beyond the bounds of what is read.
    """
    try:
        with Path(path).open("rb") as file:
            loaded = read_yaml(file.read(MOST_BYTES + 1), AnyTagLoader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    return loaded if isinstance(loaded, dict) else {}


def load_tasks(names: tuple[str, ...], include_path: tuple[str, ...]) -> list[dict[str, Any]] | None:
    """Return the YAML of every single benchmark that names stand for; None where lm-eval's own are not known."""
    files = find_files(names, include_path)
    return None if files is None else [load_task(path) for path in files]


def find_files(names: tuple[str, ...], include_path: tuple[str, ...]) -> list[str] | None:
    """Return the YAML files of every single benchmark that names stand for; None where lm-eval's own are not known."""
    index = index_tasks(include_path)
    return None if index is None else sorted(set(task_files(names, index)))


def task_files(names: tuple[str, ...], index: TaskIndex, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the YAML files of every single benchmark that names, patterns, files, groups and tags stand for."""
    for name in names:
        matches = [name] if name in index else fnmatch.filter(index, name)
        for match in matches:
            if match not in seen:
                yield from _files_of_entry(match, index, seen)
        for path in own_files(name) if not matches else ():
            is_group = isinstance(load_task(path).get("task"), list)
            yield from task_files(_group_members(path), index, seen) if is_group else [path]


def _files_of_entry(name: str, index: TaskIndex, seen: frozenset[str]) -> Iterator[str]:
    entry = index[name]
    if entry.path is None or entry.kind == "group":
        members = tuple(entry.members) if entry.path is None else _group_members(entry.path)
        yield from task_files(members, index, seen | {name})
    else:
        yield entry.path


def _group_members(path: str) -> tuple[str, ...]:
    said = load_task(path).get("task")
    members = said if isinstance(said, list) else [said]
    names = [member.get("task") if isinstance(member, dict) else member for member in members]
    return tuple(name for name in names if isinstance(name, str))


@dataclass(frozen=True)
class HubDataset:
    """A dataset on the Hub, as a benchmark loads it."""

    benchmark: str
    name: str
    part: str | None
    """The configuration: ``ARC-Easy``."""
    options: Mapping[str, Any]
    """More arguments of ``datasets.load_dataset``."""
    by_code: bool
    """The benchmark's own code loads it, and nobody else knows how."""

    @property
    def revision(self) -> str:
        """Empty for the main branch."""
        return str(self.options.get("revision") or "")


def hub_datasets(settings: list[dict[str, Any]]) -> list[HubDataset]:
    """Each dataset on the Hub."""
    return [
        HubDataset(
            benchmark=str(task.get("task")),
            name=task["dataset_path"],
            part=task.get("dataset_name"),
            options={key: value for key, value in _section(task, "dataset_kwargs").items() if key != _NO_MORE},
            by_code="custom_dataset" in task or "class" in task,
        )
        for task in settings
        if isinstance(task.get("dataset_path"), str) and is_on_hub(task["dataset_path"])
    ]


def _section(task: Mapping[str, Any], name: str) -> dict[str, Any]:
    said = task.get(name)
    return said if isinstance(said, dict) else {}


_NO_MORE = "trust_remote_code"
"""lm-eval leaves it out too: `datasets` 4 knows it no more."""


def is_on_hub(data_set: str) -> bool:
    """Whether a task's ``dataset_path`` names a data set on the Hub, rather than files."""
    return data_set not in BUILDERS and not Path(data_set).exists() and data_set.count("/") <= 1
