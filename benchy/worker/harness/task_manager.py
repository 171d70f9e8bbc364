"""Loads lm-eval's task manager without reading all of its task library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from benchy.benchmarks.index import TaskEntry, index_tasks
from benchy.benchmarks.own_files import own_files
from benchy.errors import EvaluationFailed, TaskNotFound
from benchy.worker.failures import failing_as


def _naming_the_benchmark(build: Callable[..., Any]) -> Callable[..., Any]:
    """Return a task factory's ``_build_task`` that says which benchmark failed."""

    def named(entry: Any, overrides: Any) -> Any:
        try:
            with failing_as(EvaluationFailed, f'benchmark "{entry.name}" cannot be built'):
                return build(entry, overrides)
        except EvaluationFailed as error:
            if _is_about_nothing(error.__cause__):
                raise holds_no_documents(entry.name) from error
            if isinstance(error.__cause__, KeyError) and (wrong := _unknown_metrics(entry.cfg or {})):
                raise _no_such_metric(entry.name, wrong[0]) from error
            raise

    return named


def _is_about_nothing(error: BaseException | None) -> bool:
    """``datasets`` looks for the columns of a file without lines, or lm-eval for the first document where none is."""
    return isinstance(error, StopIteration) or (isinstance(error, IndexError) and "for size 0" in str(error))


def _unknown_metrics(task: Mapping[str, Any]) -> list[str]:
    """Give the metrics that lm-eval does not bring; it looks for them in the Hub's library `evaluate`."""
    from lm_eval.api.registry import METRIC_REGISTRY

    named = [each.get("metric") for each in task.get("metric_list") or () if isinstance(each, Mapping)]
    return [name for name in named if isinstance(name, str) and name not in METRIC_REGISTRY]


def _no_such_metric(benchmark: str, metric: str) -> EvaluationFailed:
    from lm_eval.api.registry import METRIC_REGISTRY

    near = get_close_matches(metric, METRIC_REGISTRY, n=1)
    return EvaluationFailed(
        f'benchmark "{benchmark}": the metric "{metric}" is none of lm-eval\'s, nor of the library evaluate',
        hint=f'did you mean "{near[0]}"?' if near else f"lm-eval's are {', '.join(sorted(METRIC_REGISTRY))}",
    )


def holds_no_documents(benchmark: str) -> EvaluationFailed:
    return EvaluationFailed(f'benchmark "{benchmark}" has no documents', hint="check its data files and split names")


def holds_no_benchmarks(what: str) -> EvaluationFailed:
    return EvaluationFailed(
        f"{what} no benchmark",
        hint="a group's YAML lists them (`task: [NAME, ...]`); a benchmark that names its own says `tag: NAME`",
    )


def expand_names(names: tuple[str, ...], manager: Any) -> list[Any]:
    """Return what ``TaskManager.load`` takes for names, patterns, files and folders, as ``lm_eval run`` does it."""
    from lm_eval.tasks._yaml_loader import load_yaml

    expanded: list[Any] = []
    for name in names:
        found = manager.match_tasks([name]) or [load_yaml(path) for path in own_files(name)]
        if not found:
            raise TaskNotFound(f'lm-eval knows no task "{name}"')
        expanded += [item for item in found if item not in expanded]
    return expanded


def task_manager(include_path: tuple[str, ...], metadata: dict[str, Any]) -> Any:
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_defaults=False, metadata=metadata)
    index = index_tasks(include_path) or {}
    manager._factory._build_task = _naming_the_benchmark(manager._factory._build_task)
    manager._index = _LazyIndex(index)
    manager._all_tasks = sorted(index)
    manager._all_subtasks = sorted(name for name, entry in index.items() if entry.kind == "task")
    manager._all_groups = sorted(name for name, entry in index.items() if entry.kind == "group")
    manager._all_tags = sorted(name for name, entry in index.items() if entry.kind == "tag")
    return manager


class _LazyIndex(MutableMapping[str, Any]):
    """lm-eval's index, in which a task's file is parsed when the task is asked for."""

    def __init__(self, index: dict[str, TaskEntry]) -> None:
        self._index = index
        self._entries: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._entries:
            self._entries[name] = _lm_eval_entry(name, self._index[name])
        return self._entries[name]

    def __setitem__(self, name: str, entry: Any) -> None:
        self._entries[name] = entry

    def __delitem__(self, name: str) -> None:
        self._entries.pop(name, None)
        self._index.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self._index.keys() | self._entries.keys())

    def __len__(self) -> int:
        return len(self._index.keys() | self._entries.keys())


def _lm_eval_entry(name: str, entry: TaskEntry) -> Any:
    from lm_eval.tasks._index import Entry, Kind, TaskIndex
    from lm_eval.tasks._yaml_loader import load_yaml

    if entry.path is None:
        return Entry(name=name, kind=Kind.TAG, yaml_path=None, tags=set(entry.members))
    path = Path(entry.path)
    found: dict[str, Any] = {}
    TaskIndex.process_cfg(load_yaml(path, resolve_func=False), path, found)
    return found[name]
