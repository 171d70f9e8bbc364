"""Finds the finished run of a config, if nothing that decides its scores has changed since."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchy import hub
from benchy.benchmarks.files import find_files, hub_datasets, load_task
from benchy.benchmarks.local_files import local_files
from benchy.config import BenchmarkConfig
from benchy.errors import EvaluationFailed
from benchy.hub import Repo
from benchy.record import Facts, RunRecord
from benchy.runs.listing import ListedRun, list_runs


def listed_for(config: BenchmarkConfig) -> list[ListedRun]:
    """Return the runs that lie where a config's own would: what :func:`find_done` looks through."""
    outputs = Path(config.evaluation.output_path)
    return [run for run in list_runs(outputs) if isinstance(run, ListedRun)] if outputs.is_dir() else []


def find_done(config: BenchmarkConfig, facts: Facts, runs: Iterable[ListedRun] | None = None) -> ListedRun | None:
    """Return the newest run that this config need not repeat; None if there is none.

    It has scores, lies where the config publishes, and is of the same model (commit, or a folder that nobody changed
    since), benchmarks, data and lm-eval.

    Args:
        config: what would be run.
        facts: what preflight found out of it now.
        runs: :func:`listed_for` it, where they were listed already: to read them all takes long where they are many.

    Raises:
        BenchyError: the Hub does not say at which commit a dataset is.
    """
    finished = (run for run in (listed_for(config) if runs is None else runs) if _fits(run, config))
    return next((run for run in finished if _is_unchanged(run.record, config, facts)), None)


def _fits(run: ListedRun, config: BenchmarkConfig) -> bool:
    record = run.record
    wanted = "published" if config.upload is not None else "evaluated"
    same_board = record.config.upload == config.upload
    return (
        record.evaluation is not None
        and run.state in {wanted, "published"}
        and same_board
        and record.config.what_changes_answers() == config.what_changes_answers()
    )


def _is_unchanged(record: RunRecord, config: BenchmarkConfig, facts: Facts) -> bool:
    if record.model is None or record.environment is None or facts.commit != record.facts.commit:
        return False
    if record.environment.packages.get("lm_eval") != importlib.metadata.version("lm_eval"):
        return False
    benchmarks = find_files(config.evaluation.tasks, config.evaluation.include_path) or []
    read = [file for path in benchmarks for file in local_files(path)]
    folder = Path(config.model.name)
    if _newest([*read, *([folder] if folder.is_dir() else [])]) > record.started_at.timestamp():
        return False
    return all(record.data_sets.get(name, commit) == commit for name, commit in _commits(benchmarks))


def _newest(paths: Iterable[Path]) -> float:
    """Return when the last of these files, and of those below these folders, was changed; seconds since 1970."""
    return max((os.stat(file).st_mtime for path in paths for file in _files(path)), default=0.0)  # noqa: PTH116


def _files(path: Path) -> Iterator[str]:
    if not path.is_dir():
        yield str(path)
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in names if os.path.isfile(os.path.join(folder, name)))  # noqa: PTH113, PTH118


def _commits(benchmarks: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the names of the benchmarks' datasets on the Hub, as a record has them, and their commits now."""
    if hub.is_offline():
        return
    for data in hub_datasets([load_task(path) for path in benchmarks]):
        repo = Repo(data.name, "dataset", data.revision or None, EvaluationFailed)
        name = f"{data.name}@{data.revision}" if data.revision else data.name
        yield name, hub.list_files(repo).commit
