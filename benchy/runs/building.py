"""The worker that builds benchmarks without a model: for `benchy check --build`, and before a model is downloaded."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchy.backends import find_backend
from benchy.config import BenchmarkConfig
from benchy.protocol import Build, Phase, Progress
from benchy.record import WORKER_FOLDER, Built, Facts, Fetched
from benchy.runs.fetching import pinned, start_fetching
from benchy.runtimes.base import RunIdentity, Runtime, Say
from benchy.runtimes.choose import choose_runtime, load_runtime
from benchy.runtimes.client import Worker
from benchy.runtimes.launch import launch_of
from benchy.runtimes.time_limits import TimeLimits

Notify = Callable[[Progress | Phase], None]


@dataclass(frozen=True)
class Builder:
    """Where a run's benchmarks are built, and who hears of it."""

    runtime: Runtime
    run: RunIdentity
    limits: TimeLimits
    say: Say
    """Gets the worker's lines."""
    notify: Notify
    """Gets how far it is."""

    def build(self, config: BenchmarkConfig, facts: Facts, fetched: Fetched | None) -> Built:
        """Build every request in a worker of its own: when code of benchmarks has run, no token is near it any more.

        Args:
            config: with the model's commit.
            facts: what was found out of it before.
            fetched: what another worker fetched for it, but for weights.

        Raises:
            BenchyError: whatever the worker says of the benchmarks.
        """
        (self.run.folder / WORKER_FOLDER).mkdir(parents=True, exist_ok=True)
        request = Build(
            config=config,
            fetched=fetched,
            server_keys=find_backend(config.model.backend).server_keys(os.environ),
            model_length=facts.memory.length if facts.memory else None,
        )
        started = self.runtime.start(launch_of(config, self.run.folder, role="build"), self.run, say=self.say)
        with closing(Worker(started, self.say, trusted=not config.model.runs_own_code)) as worker:
            return worker.request(request, self.notify, self.limits)


def build_benchmarks(config: BenchmarkConfig, facts: Facts, *, say: Say, notify: Notify) -> Built:
    """Build the benchmarks of a config of which there is no run; of the model at most its small files are fetched.

    Args:
        config: what may be run.
        facts: what was found out of it before.
        say: gets the workers' lines.
        notify: gets how far they are.

    Raises:
        BenchyError: whatever a worker says of the Hub or the benchmarks.
    """
    runtime, limits = load_runtime(choose_runtime(config)), TimeLimits(config.performance)
    config = pinned(config, facts)
    with tempfile.TemporaryDirectory(prefix="benchy-") as folder:
        run = RunIdentity("check", str(uuid.uuid4()), Path(folder))
        fetching = start_fetching(config, runtime, run, {}, say, weights=False)
        fetched = fetching.result(notify, limits) if fetching else None
        return Builder(runtime, run, limits, say, notify).build(config, facts, fetched)
