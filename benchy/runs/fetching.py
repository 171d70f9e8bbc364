"""The worker that fetches for a run, while the worker with the model imports its libraries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchy import hub
from benchy.backends import PARTS, find_backend
from benchy.benchmarks.files import hub_datasets, load_tasks
from benchy.config import BenchmarkConfig
from benchy.protocol import Fetch, Phase, Progress
from benchy.record import Facts, Fetched
from benchy.runtimes.base import RunIdentity, Runtime, Say
from benchy.runtimes.client import Worker
from benchy.runtimes.launch import launch_of
from benchy.runtimes.time_limits import TimeLimits


class Fetching:
    """A worker that was asked to fetch."""

    def __init__(self, worker: Worker, request: Fetch) -> None:
        self._worker = worker
        self._request = request
        worker.send(request)

    def result(self, notify: Callable[[Progress | Phase], None], limits: TimeLimits) -> Fetched:
        """Wait for it; the worker, and with it the token, is gone afterwards.

        Raises:
            BenchyError: whatever the worker says.
        """
        try:
            return self._worker.receive(self._request, notify, limits)
        finally:
            self.close()

    def close(self) -> None:
        """End it, done or not."""
        self._worker.close()


def start_fetching(
    config: BenchmarkConfig,
    runtime: Runtime,
    run: RunIdentity,
    data_sets: dict[str, str],
    log: Say,
    *,
    weights: bool = True,
) -> Fetching | None:
    """Start to fetch; None if nothing of the run comes from the Hub.

    Args:
        config: with the model's commit.
        runtime: where the run's workers run.
        run: whose worker it is.
        data_sets: the commits that the run began with.
        log: gets the worker's lines.
        weights: whether to fetch the model's weights too, and not only its small files.

    Raises:
        WorkerError: the worker cannot be started.
    """
    if not needs_the_hub(config):
        return None
    transport = runtime.start(launch_of(config, run.folder, role="fetch"), run, say=log)
    request = Fetch(config=config, token=hub.read_token(), data_sets=data_sets, weights=weights)
    return Fetching(Worker(transport, log), request)


def needs_the_hub(config: BenchmarkConfig) -> bool:
    """Whether the model, a part of it or a benchmark's data comes from the Hub."""
    names = [config.model.name, *(config.model.args.get(part) for part in PARTS)]
    if find_backend(config.model.backend).loads_weights and any(
        isinstance(name, str) and not Path(name).is_dir() for name in names
    ):
        return True
    tasks = load_tasks(config.evaluation.tasks, config.evaluation.include_path)
    return tasks is None or bool(hub_datasets(tasks))


def pinned(config: BenchmarkConfig, facts: Facts) -> BenchmarkConfig:
    """Return the config with the commit that was checked first: what was checked is what is tested and evaluated."""
    model = config.model
    if facts.commit is not None:
        model = model.at(facts.commit)
    if facts.base is not None:
        model = model.with_args({"pretrained": facts.base} | model.args)
    return config.with_model(model)
