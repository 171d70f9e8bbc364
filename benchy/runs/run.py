"""One run of one config: its steps, its record, its log, its worker."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel

from benchy.backends import find_backend
from benchy.config import BenchmarkConfig, UploadConfig, WandbConfig
from benchy.errors import BenchyError, EvaluationFailed, as_benchy_error
from benchy.protocol import Evaluation, Import, ModelTest, Phase, Prepare, Progress, Request
from benchy.record import WORKER_FOLDER, EvaluationResult, Fetched, ModelTestResult, Prepared, RunRecord, Uploaded, now
from benchy.runs.building import Builder
from benchy.runs.evaluation_files import take_files
from benchy.runs.fetching import Fetching, pinned, start_fetching
from benchy.runs.folders import log_path, save_record
from benchy.runs.log import RunLog
from benchy.runs.publishing import identity_of, log_to_wandb, upload_command, upload_record
from benchy.runs.signals import deferring_signals
from benchy.runtimes.base import MustWait, Runtime
from benchy.runtimes.choose import load_runtime
from benchy.runtimes.client import Worker
from benchy.runtimes.launch import launch_of
from benchy.runtimes.time_limits import TimeLimits

ResultT = TypeVar("ResultT", bound=BaseModel)


class Watcher(Protocol):
    """Somebody who looks on: the terminal, a Prefect task run."""

    def on_event(self, event: Progress | Phase) -> None:
        """Something went on."""


class Run:
    """One run of one config. Made by :func:`open_run`."""

    def __init__(self, config: BenchmarkConfig, folder: Path, record: RunRecord) -> None:
        self.config = config
        self.folder = folder
        self.record = record
        self.log = RunLog(log_path(config, record))
        self.watchers: list[Watcher] = []
        self._begun = max(now(), record.started_at), time.monotonic()
        self._limits = TimeLimits(config.performance)
        self._fetching: Fetching | None = None
        self._worker: Worker | None = None
        self._goes_offline = False
        self._asked: Prepare | None = None

    @property
    def name(self) -> str:
        """Also the name of its folder and of its flow run."""
        return self.record.run_name

    @property
    def runtime(self) -> Runtime:
        """Where all its workers run; chosen once, when the run was opened."""
        assert self.record.runtime is not None  # noqa: S101 - an open run has one
        return load_runtime(self.record.runtime)

    def run_in(self, runtime: str) -> None:
        """Note where its workers run from now on."""
        self._save(self.record.run_in(runtime))

    def belongs_to(self, flow_run_id: str) -> None:
        """Note Prefect's id of the flow run; a run may begin before Prefect is there."""
        self._save(self.record.of_flow_run(flow_run_id))

    def start_worker(self) -> None:
        """Start the GPU worker and ask it to prepare, without waiting: what comes next may overlap.

        Raises:
            WorkerError: it cannot be started.
        """
        self._start_worker(wait=True)

    def start_worker_early(self) -> None:
        """Do the same, unless it means waiting for a GPU: that belongs into a task, where Prefect shows it.

        Raises:
            WorkerError: it cannot be started.
        """
        with suppress(MustWait):
            self._start_worker(wait=False)

    def _start_worker(self, *, wait: bool) -> None:
        run = identity_of(self.record, self.folder)
        if self._fetching is None:
            self._fetching = self._start_fetching(weights=not self._builds_first)
        launch = launch_of(self.config, self.folder, role="model")
        started = self.runtime.start(launch, run, say=self.log.write, wait=wait)
        self._goes_offline = launch.goes_offline
        self._worker = Worker(started, self.log.write, trusted=not self.config.model.runs_own_code)
        if self._fetching is None:
            self._ask_to_prepare(self._worker, None)
        else:
            self._worker.send(Import(config=self.config))  # while the other one fetches

    def _start_fetching(self, *, weights: bool) -> Fetching | None:
        return start_fetching(
            self._pinned(),
            self.runtime,
            identity_of(self.record, self.folder),
            self.record.data_sets,
            self.log.write,
            weights=weights,
        )

    def _ask_to_prepare(self, worker: Worker, fetched: Fetched | None) -> None:
        keys = find_backend(self.config.model.backend).server_keys(os.environ)
        self._asked = Prepare(config=self._pinned(), fetched=fetched, server_keys=keys, data_sets=self.record.data_sets)
        worker.send(self._asked)

    def model_test(self) -> ModelTestResult:
        """Do the first step.

        Raises:
            BenchyError: whatever the worker says.
        """
        if self.record.evaluation is not None and self.record.model_test is not None:
            return self.record.model_test  # a run that is evaluated is only published
        result = self._ask(ModelTest())
        self._save(self.record.tested(result))
        return result

    def evaluation(self) -> EvaluationResult:
        """Do the second step; on a new worker if the first one's is gone.

        Raises:
            BenchyError: whatever the worker says.
        """
        if self.record.evaluation is not None:
            return self.record.evaluation
        result = self._ask(Evaluation(run_folder=str(self.folder.resolve() / WORKER_FOLDER)))
        self.close_worker()  # what it wrote is taken when no code of the model can change it any more
        self._save(self.record.evaluated(result, take_files(self.folder, result), at=self._steady_now()))
        shutil.rmtree(self.folder / WORKER_FOLDER, ignore_errors=True)  # the answers too: they are in the record now
        return result

    def upload(self) -> Uploaded | None:
        """Do the third step, in workers of their own, which never saw model code.

        None if the config names no leaderboard.

        Weights & Biases come after the leaderboard; what goes wrong there ends no run.

        Raises:
            UploadFailed, NetworkError, AccessDenied: the record is kept.
        """
        self.close_worker()
        uploaded = self.record.uploaded or (self._publish(self.config.upload) if self.config.upload else None)
        if self.config.wandb is not None:
            self._log_to_wandb(self.config.wandb)
        return uploaded

    def _publish(self, upload: UploadConfig) -> Uploaded:
        try:
            result = upload_record(
                self.record, self.folder, self.config, self.runtime, say=self.log.write, notify=self.notify
            )
        except BenchyError as error:
            error.add_hint(f"`{upload_command(self.folder, upload)}`: the record is kept")
            raise
        self._save(self.record.published(result, at=self._steady_now()))
        return result

    def _log_to_wandb(self, wandb: WandbConfig) -> None:
        try:
            result = log_to_wandb(
                self.record, self.folder, self.config, wandb, self.runtime, say=self.log.write, notify=self.notify
            )
        except BenchyError as error:
            self.log.write([f"Not at Weights & Biases: {error.message}", *error.traceback.splitlines()])
        else:
            self._save(self.record.logged_to_wandb(result))

    def missing_steps(self) -> Iterator[Callable[[], object]]:
        """Yield what is to be done yet, by the record, in order."""
        if self.record.evaluation is None:
            if self.record.model_test is None:
                yield self.model_test
            yield self.evaluation
        if self.record.is_unpublished:
            yield self.upload

    def fail(self, error: BaseException) -> None:
        """Write down what ended the run; what is published stays published."""
        data = as_benchy_error(error).to_data()
        self.log.write([f"{data.kind}: {data.message}", *data.traceback.splitlines()])
        if self.record.status != "published":
            self._save(self.record.failed(data, at=self._steady_now()))

    def close_worker(self) -> None:
        """End the GPU worker, if there is one; its GPUs are free afterwards."""
        if self._fetching is not None:
            self._fetching.close()
        self._fetching = None
        self._close_model_worker()

    def _close_model_worker(self) -> None:
        if self._worker is not None:
            self._worker.close()
        self._worker, self._asked = None, None

    def notify(self, event: Progress | Phase) -> None:
        """Tell everybody who looks on; whoever fails at that is told no more, and ends no run."""
        for watcher in tuple(self.watchers):
            try:
                watcher.on_event(event)
            except Exception as error:  # noqa: BLE001 - a terminal that closed, a server that is away
                self.watchers.remove(watcher)
                self.log.write([f"{type(watcher).__name__} no longer shows this run: {error}"])

    @contextmanager
    def watched_by(self, watcher: Watcher) -> Iterator[None]:
        """Tell somebody what goes on, for the length of the block."""
        self.watchers.append(watcher)
        try:
            yield
        finally:
            if watcher in self.watchers:
                self.watchers.remove(watcher)

    def _ask(self, request: Request[ResultT]) -> ResultT:
        """One answer of a prepared worker. A worker that failed is not used again: its state is not known."""
        try:
            worker = self._prepared_worker()
            return worker.request(request, self.notify, self._limits)
        except BaseException:
            self.close_worker()
            raise

    def _prepared_worker(self) -> Worker:
        if self._worker is None or not self._worker.alive:
            self._close_model_worker()
            self.start_worker()
        assert self._worker is not None  # noqa: S101 - for the type checker
        if self._fetching is not None:
            fetched = self._fetched_after(None)
            if self._builds_first:
                self._build(fetched)
                self._fetching = self._start_fetching(weights=True)
                fetched = self._fetched_after(fetched)
            self._ask_to_prepare(self._worker, fetched)
        if self._asked is not None:
            self._take_prepared(self._worker.receive(self._asked, self.notify, self._limits))
            self._asked = None
            if self._goes_offline:
                self._worker.go_offline()
        return self._worker

    @property
    def _builds_first(self) -> bool:
        """Whether weights are to be fetched: what is wrong with the benchmarks is to be found before that."""
        return bool(self.record.model is None and self.record.facts.missing_bytes and self.config.evaluation.tasks)

    def _build(self, fetched: Fetched | None) -> None:
        run = identity_of(self.record, self.folder)
        builder = Builder(self.runtime, run, self._limits, self.log.write, self.notify)
        builder.build(self._pinned(), self.record.facts, fetched)

    def _fetched_after(self, earlier: Fetched | None) -> Fetched | None:
        """Wait for what is being fetched, if anything is."""
        fetching, self._fetching = self._fetching, None
        return fetching.result(self.notify, self._limits).after(earlier) if fetching else earlier

    def _take_prepared(self, prepared: Prepared) -> None:
        before = self.record.model
        if before is not None and prepared.model != before:
            raise EvaluationFailed(
                f"{before.name} changed since it was tested ({before.commit or before.content_hash} then, "
                f"{prepared.model.commit or prepared.model.content_hash} now)",
                hint="start a new run",
            )
        self._save(self.record.prepared(prepared))

    def _pinned(self) -> BenchmarkConfig:
        return pinned(self.config, self.record.facts)

    def _save(self, record: RunRecord) -> None:
        """Take a changed record for this run's, on disk too."""
        with deferring_signals():
            self.record = record
            save_record(record, self.folder)

    def _steady_now(self) -> datetime:
        """Return the time by a clock that nobody sets: a run never ends before it began."""
        begun, then = self._begun
        return begun + timedelta(seconds=time.monotonic() - then)
