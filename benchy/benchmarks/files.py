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
from benchy.bounded_yaml import MOST_BYTES, read_yaml
from benchy.errors import ConfigError

BUILDERS = {"json", "csv", "parquet", "text", "arrow", "webdataset", "imagefolder", "audiofolder", "xml", "pandas"}
"""Names of `datasets` for files that a task brings itself."""


def load_task(path: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a task's YAML with those that it includes; functions are read as nothing."""
    own = _read(path)
    includes = own.pop("include", None) or []
    merged: dict[str, Any] = {}
    for name in includes if isinstance(includes, list) else [includes]:
        included = os.path.realpath(Path(path).parent / str(name).replace("\0", ""))
        if included not in seen and Path(included).is_file():
            merged |= load_task(included, (*seen, path))
    return merged | own


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
    index = index_tasks(include_path)
    if index is None:
        return None
    return [load_task(path) for path in sorted(set(task_files(names, index)))]


def named_files(names: tuple[str, ...], include_path: tuple[str, ...]) -> dict[str, str]:
    """Return the name of every single benchmark that names stand for, by its YAML file.

    None where lm-eval's are not known.
    """
    index = index_tasks(include_path)
    paths = sorted(set(task_files(names, index))) if index is not None else []
    return {path: str(load_task(path).get("task")) for path in paths}


def task_files(names: tuple[str, ...], index: TaskIndex, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the YAML files of every single benchmark that names, patterns, groups and tags stand for."""
    for name in names:
        if name not in index and name.endswith(".yaml") and Path(name).is_file():
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
