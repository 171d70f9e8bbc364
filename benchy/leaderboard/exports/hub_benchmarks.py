"""Reads what a data set on the Hub says of itself as a benchmark: its ``eval.yaml``.

Form: https://huggingface.co/docs/hub/eval-results#benchmark-datasets.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from benchy import hub

if TYPE_CHECKING:
    from huggingface_hub import HfApi

FILE = "eval.yaml"
_log = logging.getLogger(__name__)
LM_EVAL = {"lm-eval", "lm-eval-harness", "lm-evaluation-harness"}
"""What such files call the harness; with ``_`` for ``-`` too."""


class NotABenchmark(Exception):
    """The data set has no such task; the message says why, as what follows its name."""


@dataclass(frozen=True)
class HubTask:
    """One task of a benchmark on the Hub."""

    id: str
    framework: str | None
    """What the benchmark is to be evaluated with, if that is lm-eval; else a score of ours does not claim it."""


class HubBenchmarks:
    """The benchmarks of the Hub, each read once."""

    def __init__(self, api: HfApi, folder: Path) -> None:
        """Nothing is read yet.

        Args:
            api: a client that may read them.
            folder: where the files are kept: never the Hub's cache, which model code may have written to.
        """
        self._api = api
        self._folder = folder
        self._read: dict[str, Mapping[str, Any] | None] = {}

    def task(self, repository: str, config: Mapping[str, Any]) -> HubTask:
        """Return the task that asks what one of lm-eval's tasks asks.

        Args:
            repository: of the data set.
            config: lm-eval's account of its task.

        Raises:
            NotABenchmark: there is none, or more than one.
        """
        if repository not in self._read:
            self._read[repository] = self._fetch(repository)
        benchmark = self._read[repository]
        if benchmark is None:
            raise NotABenchmark(f"has no {FILE} that can be read")
        found = [task for task in benchmark.get("tasks") or () if _is_same(task, config)]
        if len(found) != 1:
            raise NotABenchmark(f"names {len(found)} tasks of this subset and split in its {FILE}")
        framework = str(benchmark.get("evaluation_framework") or "")
        is_ours = framework.casefold().replace("_", "-") in LM_EVAL
        if framework and not is_ours:
            _log.warning("%s asks for %s: a score of lm-eval's is offered without naming it", repository, framework)
        return HubTask(str(found[0]["id"]), framework if is_ours else None)

    def _fetch(self, repository: str) -> Mapping[str, Any] | None:
        from huggingface_hub.errors import HfHubHTTPError

        place = self._folder / repository.replace("/", "--")
        fetch = partial(self._api.hf_hub_download, repository, FILE, repo_type="dataset", local_dir=place)
        try:
            found = yaml.safe_load(Path(hub.retried(fetch)).read_bytes())
        except HfHubHTTPError as error:
            if error.response.status_code not in {401, 403, 404}:
                raise
            return None
        except yaml.YAMLError:
            return None
        return found if isinstance(found, dict) else None


def _is_same(task: Any, config: Mapping[str, Any]) -> bool:
    """Return the subset; where none is named, the only one: ``default`` by the Hub's custom."""
    if not isinstance(task, dict) or "id" not in task:
        return False
    split = config.get("test_split") or config.get("validation_split")
    subset = config.get("dataset_name") or "default"
    return (task.get("config") or "default") == subset and task.get("split") in {None, split}
