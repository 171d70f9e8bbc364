"""Builds lm-eval's task objects for the configured names, reading only the files that they need."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any

from benchy.benchmarks.files import find_files
from benchy.benchmarks.index import require_tasks
from benchy.benchmarks.packages import require_packages
from benchy.config import BenchmarkConfig, Seeds
from benchy.errors import EvaluationFailed
from benchy.worker.failures import failing_as
from benchy.worker.harness.document_faults import faults_named, refuse_misspelled_fields
from benchy.worker.harness.metrics import fetch_metrics
from benchy.worker.harness.task_manager import (
    expand_names,
    holds_no_benchmarks,
    holds_no_documents,
    task_manager,
)


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
        ConfigError: a package that a benchmark needs is not installed here.
        EvaluationFailed: a data set cannot be read, has no documents or not the fields and splits that the benchmark
            names; or a group has no benchmarks.
    """
    evaluation = config.evaluation
    require_tasks(evaluation.tasks, evaluation.include_path)
    files = find_files(evaluation.tasks, evaluation.include_path) or []
    require_packages(files)  # an image has packages of its own
    fetch_metrics(files)
    seed_everything(evaluation.seeds)
    started = time.monotonic()
    manager = task_manager(evaluation.include_path, metadata)
    names = expand_names(evaluation.tasks, manager)
    with failing_as(EvaluationFailed, f"building {', '.join(evaluation.tasks)}"), faults_named():
        loaded = manager.load(names)
    built = BuiltTasks(manager, names, loaded, time.monotonic() - started, random_state())
    with faults_named():
        _refuse_empty(built)
    refuse_misspelled_fields(built.loaded["tasks"])
    return built


def hand_over(built: BuiltTasks) -> Any:
    """Return a task manager that gives lm-eval the built tasks, with the random generators as building left them.

    lm-eval seeds, builds and then draws prompts; with the state put back, the prompts are the same as if it had built
    the tasks itself.
    """

    def load(_names: Any) -> Any:
        restore_random_state(built.random_state)
        return built.loaded

    built.manager.load = load
    return built.manager


def seed_everything(values: Seeds) -> None:
    """Seed the global generators, as ``lm_eval.simple_evaluate`` does at its start."""
    import numpy as np
    import torch

    of_python, of_numpy, of_torch, _ = values
    if of_python is not None:
        random.seed(of_python)
    if of_numpy is not None:
        np.random.seed(of_numpy)
    if of_torch is not None:
        torch.manual_seed(of_torch)


def random_state() -> tuple[Any, ...]:
    """Return the state of the three global generators."""
    import numpy as np
    import torch

    return random.getstate(), np.random.get_state(), torch.get_rng_state()


def restore_random_state(state: tuple[Any, ...]) -> None:
    """Put the three global generators back."""
    import numpy as np
    import torch

    random.setstate(state[0])
    np.random.set_state(state[1])
    torch.set_rng_state(state[2])


def _refuse_empty(built: BuiltTasks) -> None:
    """lm-eval evaluates a group without benchmarks as nothing, and dies of a benchmark without documents at the end."""
    for name, group in built.loaded["groups"].items():
        if not group.get_all_tasks():
            raise holds_no_benchmarks(f'the group "{name}" has')
    if not built.loaded["tasks"]:
        raise holds_no_benchmarks("evaluation.tasks name")
    for name, task in built.loaded["tasks"].items():
        with failing_as(EvaluationFailed, f'the data of benchmark "{name}" cannot be read'):
            empty = len(task.eval_docs) == 0
        if empty:
            raise holds_no_documents(name)
