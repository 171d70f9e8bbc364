"""What cannot work with the configured benchmarks: data sets out of reach, code that runs unasked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchy import hub
from benchy.benchmarks.files import hub_datasets, load_tasks
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, EvaluationFailed
from benchy.hub import Repo

AT_ONCE = 8


def check_benchmarks(config: BenchmarkConfig) -> None:
    """Check that every data set can be read, and that code is run only where that was confirmed.

    Raises:
        ConfigError: a benchmark runs code that the model wrote.
        EvaluationFailed: a data set does not exist.
        AccessDenied: a data set is gated, or private.
        NetworkError: the Hub cannot be reached.
    """
    settings = load_tasks(config.evaluation.tasks, config.evaluation.include_path)
    if settings is None:
        return
    _refuse_unsafe_code(config, settings)
    if not hub.is_offline():
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_require_data_set, sorted({(data.name, data.revision) for data in hub_datasets(settings)})))


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
