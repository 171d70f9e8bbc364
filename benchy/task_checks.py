"""What cannot work with the configured benchmarks: data sets out of reach, code that runs unasked."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from benchy import hub
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, EvaluationFailed
from benchy.hub_failures import Repo
from benchy.task_index import AnyTagLoader, TaskIndex, index_tasks

BUILDERS = {"json", "csv", "parquet", "text", "arrow", "webdataset", "imagefolder", "audiofolder", "xml", "pandas"}
"""Names of `datasets` for files that a task brings itself."""
AT_ONCE = 8


def check_benchmarks(config: BenchmarkConfig) -> None:
    """Check that every data set can be read, and that code is run only where that was confirmed.

    Raises:
        ConfigError: a benchmark runs code that the model wrote.
        EvaluationFailed: a data set does not exist.
        AccessDenied: a data set is gated, or private.
        NetworkError: the Hub cannot be reached.
    """
    index = index_tasks(config.evaluation.include_path)
    if index is None:
        return
    settings = [load_task(path) for path in sorted(set(_task_files(config.evaluation.tasks, index)))]
    _refuse_unsafe_code(config, settings)
    if not hub.is_offline():
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_require_data_set, sorted(set(_data_sets(settings)))))


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


def _task_files(names: tuple[str, ...], index: TaskIndex, seen: frozenset[str] = frozenset()) -> Iterator[str]:
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
                yield from _task_files(tuple(entry.members), index, seen | {match})
            elif entry.kind == "group" and entry.path:
                yield from _task_files(_group_members(entry.path), index, seen | {match})
            elif entry.path:
                yield entry.path


def _group_members(path: str) -> tuple[str, ...]:
    members = load_task(path).get("task") or []
    names = [member.get("task") if isinstance(member, dict) else member for member in members]
    return tuple(name for name in names if isinstance(name, str))


def _data_sets(settings: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Name and revision of each data set on the Hub."""
    for task in settings:
        name = task.get("dataset_path")
        if isinstance(name, str) and is_on_hub(name):
            yield name, str((task.get("dataset_kwargs") or {}).get("revision") or "")


def is_on_hub(data_set: str) -> bool:
    """Whether a task's ``dataset_path`` names a data set on the Hub, rather than files."""
    return data_set not in BUILDERS and not Path(data_set).exists() and data_set.count("/") <= 1


def _require_data_set(wanted: tuple[str, str]) -> None:
    name, revision = wanted
    repo = Repo(name, "dataset", revision or None, EvaluationFailed)
    listing = hub.list_files(repo)
    if listing.files:
        path = "README.md" if "README.md" in listing.files else min(listing.files)
        hub.require_access(Repo(name, "dataset", listing.commit, EvaluationFailed), path)


def _refuse_unsafe_code(config: BenchmarkConfig, settings: list[dict[str, Any]]) -> None:
    unsafe = [str(task.get("task")) for task in settings if task.get("unsafe_code")]
    if unsafe and not config.evaluation.confirm_run_unsafe_code:
        raise ConfigError(
            f"{', '.join(unsafe)} runs code that the model writes, on this machine",
            hint="if that is all right here, set evaluation.confirm_run_unsafe_code: true",
        )
