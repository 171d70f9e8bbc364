"""What a finished run goes to: its leaderboard, and Weights & Biases. Each in a worker without GPU and model code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchy.config import BenchmarkConfig, UploadConfig, WandbConfig
from benchy.leaderboard.stores.hub_access import upload_token
from benchy.protocol import LogToWandb, Phase, Progress, Upload
from benchy.record import RunRecord, Uploaded, WandbRun, read_record
from benchy.runtimes.base import RunIdentity, Say
from benchy.runtimes.choose import choose_runtime
from benchy.runtimes.client import Worker
from benchy.wandb_access import find_wandb_access

Notify = Callable[[Progress | Phase], None]


def upload_record(folder: Path, config: BenchmarkConfig, upload: UploadConfig, *, say: Say, notify: Notify) -> Uploaded:
    """Publish the finished record in a run's folder to a leaderboard.

    Args:
        folder: the run's.
        config: where the worker runs.
        upload: the leaderboard, which may be another than the config's.
        say: gets the worker's log.
        notify: gets what it tells of its progress.

    Raises:
        UploadFailed, NetworkError, AccessDenied: the record is kept.
    """
    request = Upload(run_folder=str(folder.resolve()), config=upload, token=upload_token(upload))
    with _worker(folder, config.model_copy(update={"upload": upload, "wandb": None}), say) as worker:
        return worker.request(request, notify)


def log_to_wandb(folder: Path, config: BenchmarkConfig, wandb: WandbConfig, *, say: Say, notify: Notify) -> WandbRun:
    """Show the finished record in a run's folder at Weights & Biases.

    Raises:
        UploadFailed, AccessDenied: the record is kept.
    """
    samples = config.upload is None or config.upload.samples
    request = LogToWandb(
        run_folder=str(folder.resolve()), config=wandb, access=find_wandb_access(), samples=samples
    )  # fmt: skip
    with _worker(folder, config.model_copy(update={"upload": None}), say) as worker:
        return worker.request(request, notify)


@contextmanager
def _worker(folder: Path, config: BenchmarkConfig, say: Say) -> Iterator[Worker]:
    identity = identity_of(read_record(folder), folder)
    worker = Worker(choose_runtime(config).start(config, identity, role="publish", say=say), say)
    try:
        yield worker
    finally:
        worker.close()


def identity_of(record: RunRecord, folder: Path) -> RunIdentity:
    """Whose worker it is."""
    return RunIdentity(record.run_name, record.run_id, folder.absolute(), record.flow_run_id)
