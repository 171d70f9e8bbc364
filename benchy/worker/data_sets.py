"""Loads the benchmarks' data sets, each at one commit for the whole run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from benchy import hub
from benchy.errors import BenchyError, EvaluationFailed
from benchy.hub_failures import Repo
from benchy.task_checks import is_on_hub
from benchy.worker.patching import replaced


@dataclass
class DataSets:
    """The data sets of one run that come from the Hub; files of a task's own have no commit."""

    commits: dict[str, str] = field(default_factory=dict)
    """By name. Those that a worker before this one loaded are loaded at the same commit again."""
    seconds: float = 0.0
    """How long fetching and loading took."""

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """While tasks are built: ``datasets.load_dataset``, which lm-eval calls for each, takes one commit of each.

        The commit is no part of the task's own config, so lm-eval's files stay as they are.
        """
        import datasets

        load = datasets.load_dataset

        def load_pinned(path: str, *args: Any, revision: str | None = None, **kwargs: Any) -> Any:
            if not is_on_hub(path):
                return load(path, *args, revision=revision, **kwargs)
            started = time.monotonic()
            try:
                return load(path, *args, revision=self._commit(path, revision), **kwargs)
            finally:
                self.seconds += time.monotonic() - started

        with replaced(datasets, load_dataset=load_pinned):
            yield

    def _commit(self, name: str, revision: str | None) -> str | None:
        """What is loaded: the known commit, else what the revision stands for now; from the cache, its own choice.

        Raises:
            EvaluationFailed: no such data set or revision.
            AccessDenied, NetworkError: it cannot be asked for.
        """
        repo = Repo(name, "dataset", revision, EvaluationFailed)
        if hub.is_offline():
            with suppress(BenchyError):
                self.commits[name] = hub.cached_commit(repo)
            return revision
        if name not in self.commits:
            self.commits[name] = hub.list_files(repo).commit
        hub.remember_commit(repo, self.commits[name])
        return self.commits[name]
