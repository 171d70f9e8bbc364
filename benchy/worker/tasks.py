"""Builds lm-eval's task objects for the configured names, reading only the files that they need."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchy.config import BenchmarkConfig
from benchy.errors import EvaluationFailed, TaskNotFound
from benchy.task_index import TaskEntry, index_tasks, require_tasks
from benchy.worker.failures import failing_as


@dataclass
class BuiltTasks:
    """Task objects ready for one evaluation, and the state of the random generators right after they were built."""

    manager: Any
    """An lm-eval ``TaskManager`` whose ``load`` gives these tasks."""
    names: list[Any]
    """What ``load`` was asked for: names, or whole configs for YAML files."""
    loaded: Any
    """lm-eval's ``TaskDict``."""
    build_seconds: float
    random_state: tuple[Any, ...]

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """The single benchmarks by name."""
        return tuple(self.loaded["tasks"])


def build_tasks(config: BenchmarkConfig, metadata: dict[str, Any]) -> BuiltTasks:
    """Build every task of the config, which also fetches its data.

    Args:
        config: what is evaluated.
        metadata: lm-eval hands it to tasks that depend on the model (its ``--model_args``).

    Raises:
        TaskNotFound: lm-eval knows no such task.
        EvaluationFailed: a data set cannot be read, or has no documents.
    """
    evaluation = config.evaluation
    require_tasks(evaluation.tasks, evaluation.include_path)
    seed_everything(evaluation.seeds)
    started = time.monotonic()
    manager = _task_manager(evaluation.include_path, metadata)
    names = _expand(evaluation.tasks, manager)
    with failing_as(EvaluationFailed, f"building {', '.join(evaluation.tasks)}"):
        loaded = manager.load(names)
    built = BuiltTasks(manager, names, loaded, time.monotonic() - started, _random_state())
    _refuse_empty(built)
    return built


def hand_over(built: BuiltTasks) -> Any:
    """A task manager that gives lm-eval the built tasks, with the random generators as building left them.

    lm-eval seeds, builds and then draws prompts; with the state put back, the prompts are the same as if it had built
    the tasks itself.
    """

    def load(_names: Any) -> Any:
        _restore_random_state(built.random_state)
        return built.loaded

    built.manager.load = load
    return built.manager


def seed_everything(values: tuple[int, int, int, int]) -> None:
    """Seed the global generators, as ``lm_eval.simple_evaluate`` does at its start."""
    import numpy as np
    import torch

    random.seed(values[0])
    np.random.seed(values[1])
    torch.manual_seed(values[2])


def _naming_the_benchmark(build: Callable[..., Any]) -> Callable[..., Any]:
    """A task factory's ``_build_task`` that says which benchmark failed."""

    def named(entry: Any, overrides: Any) -> Any:
        try:
            with failing_as(EvaluationFailed, f'benchmark "{entry.name}" cannot be built'):
                return build(entry, overrides)
        except EvaluationFailed as error:
            if _is_about_nothing(error.__cause__):
                raise _empty(entry.name) from error
            raise

    return named


def _is_about_nothing(error: BaseException | None) -> bool:
    """``datasets`` looks for the columns of a file without lines, or lm-eval for the first document where none is."""
    return isinstance(error, StopIteration) or (isinstance(error, IndexError) and "for size 0" in str(error))


def _empty(benchmark: str) -> EvaluationFailed:
    return EvaluationFailed(f'benchmark "{benchmark}" has no documents', hint="check its data files and split names")


def _random_state() -> tuple[Any, ...]:
    import numpy as np
    import torch

    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def _restore_random_state(state: tuple[Any, ...]) -> None:
    import numpy as np
    import torch

    random.setstate(state[0])
    np.random.set_state(state[1])
    torch.set_rng_state(state[2])


def _refuse_empty(built: BuiltTasks) -> None:
    """lm-eval dies of an IndexError on a benchmark without documents, after the model answered all others."""
    for name, task in built.loaded["tasks"].items():
        with failing_as(EvaluationFailed, f'the data of benchmark "{name}" cannot be read'):
            empty = len(task.eval_docs) == 0
        if empty:
            raise _empty(name)


def _expand(names: tuple[str, ...], manager: Any) -> list[Any]:
    """Names, patterns and YAML files to what ``TaskManager.load`` takes, as ``lm_eval run`` does it."""
    from lm_eval.tasks._yaml_loader import load_yaml

    expanded: list[Any] = []
    for name in names:
        is_file = name.endswith(".yaml")
        found = [load_yaml(name)] if is_file else manager.match_tasks([name])
        if not found:
            raise TaskNotFound(f'lm-eval knows no task "{name}"')
        expanded += [item for item in found if item not in expanded]
    return expanded


def _task_manager(include_path: tuple[str, ...], metadata: dict[str, Any]) -> Any:
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
