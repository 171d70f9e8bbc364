"""What a finished run goes to: its leaderboard, and Weights & Biases. Each in a worker without GPU and model code."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchy.config import UPLOAD_TOKEN, BenchmarkConfig, UploadConfig, WandbConfig, parse_config
from benchy.errors import ConfigError
from benchy.home_folders import with_home
from benchy.leaderboard.stores.hub_access import upload_token
from benchy.masking import remember_secret
from benchy.protocol import LogToWandb, Phase, Progress, Upload
from benchy.record import RunRecord, Uploaded, WandbRun
from benchy.runtimes.base import RunIdentity, Runtime, Say
from benchy.runtimes.client import Worker
from benchy.runtimes.launch import launch_of
from benchy.wandb_access import find_wandb_access

SIGNING_KEY = "BENCHY_SIGNING_KEY"
"""The environment variable that names the file of the key that signs what is published."""
Notify = Callable[[Progress | Phase], None]


def upload_record(
    record: RunRecord, folder: Path, config: BenchmarkConfig, runtime: Runtime, *, say: Say, notify: Notify
) -> Uploaded:
    """Publish a finished run to the leaderboard that a config names.

    Args:
        record: the run's, as this process holds it.
        folder: the run's, with lm-eval's own files.
        config: the leaderboard, and what its worker is: never a config that only a record brought.
        runtime: where that worker runs.
        say: gets the worker's log.
        notify: gets what it tells of its progress.

    Raises:
        ConfigError: the config names no leaderboard, or the key that signs cannot be read.
        UploadFailed, NetworkError, AccessDenied: the record is kept.
    """
    if config.upload is None:
        raise ConfigError("no leaderboard is named", hint="say --to LEADERBOARD")
    request = Upload(
        record=record,
        run_folder=str(folder.resolve()),
        config=config.upload,
        token=upload_token(config.upload),
        signing_key=_read_signing_key(),
    )
    with _worker(record, folder, config.published_to(config.upload, None), runtime, say) as worker:
        return worker.request(request, notify)


def log_to_wandb(
    record: RunRecord,
    folder: Path,
    config: BenchmarkConfig,
    wandb: WandbConfig,
    runtime: Runtime,
    *,
    say: Say,
    notify: Notify,
) -> WandbRun:
    """Show a finished run at Weights & Biases.

    Raises:
        UploadFailed, AccessDenied: the record is kept.
    """
    samples = config.upload is None or config.upload.samples
    request = LogToWandb(
        record=record, run_folder=str(folder.resolve()), config=wandb, access=find_wandb_access(), samples=samples
    )
    with _worker(record, folder, config.published_to(None, config.wandb), runtime, say) as worker:
        return worker.request(request, notify)


def upload_config(
    record: RunRecord,
    to: str | None,
    *,
    samples: bool = True,
    scores: bool = True,
    model_card: bool = False,
    token_env: str = UPLOAD_TOKEN,
) -> BenchmarkConfig:
    """Return the config of an upload by hand: of the record it takes no path, address, variable or image.

    Raises:
        ConfigError: the leaderboard or the variable is none.
    """
    own = record.config.upload
    upload: dict[str, object] = {
        "to": to,
        "samples": samples and (own is None or own.samples),
        "scores": scores and (own is None or own.scores),
        "model_card": model_card,
        "token_env": token_env,
    }
    return config_without_model(upload if to is not None else None)


def config_without_model(upload: dict[str, object] | None = None) -> BenchmarkConfig:
    """Return the config of a worker that loads no model."""
    data = {"model": {"name": "none"}, "evaluation": {"tasks": "none", "device": "cpu"}, "upload": upload}
    return parse_config(data, source="--to")


def wandb_section(record: RunRecord, project: str) -> WandbConfig:
    """Return where a run is shown at Weights & Biases: ``PROJECT`` or ``ENTITY/PROJECT``, with the run's own labels."""
    entity, _, name = project.rpartition("/")
    own = record.config.wandb
    return WandbConfig(
        project=name, entity=entity or None, group=own.group if own else None, tags=own.tags if own else ()
    )


def wandb_project(section: WandbConfig) -> str:
    """Return the same as the command line names it."""
    return f"{section.entity}/{section.project}" if section.entity else section.project


def upload_command(folder: Path, upload: UploadConfig) -> str:
    """Return the command that publishes a run later; no setting of an upload is read from a record."""
    options = ["--to", upload.to]
    options += [] if upload.samples else ["--no-samples"]
    options += [] if upload.scores else ["--no-scores"]
    options += ["--model-card"] if upload.model_card else []
    options += [] if upload.token_env == UPLOAD_TOKEN else ["--token-env", upload.token_env]
    return shlex.join(["benchy", "upload", str(folder), *options])


def _read_signing_key() -> str | None:
    """Return the private key in the file that ``BENCHY_SIGNING_KEY`` names, if it is set."""
    path = os.environ.get(SIGNING_KEY)
    if not path:
        return None
    try:
        key = with_home(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{SIGNING_KEY} names {path}, which cannot be read: {error}", hint="name a PEM file"
        ) from error
    remember_secret(key)
    return key


@contextmanager
def _worker(record: RunRecord, folder: Path, config: BenchmarkConfig, runtime: Runtime, say: Say) -> Iterator[Worker]:
    identity = identity_of(record, folder)
    worker = Worker(runtime.start(launch_of(config, identity.folder, role="publish"), identity, say=say), say)
    try:
        yield worker
    finally:
        worker.close()


def identity_of(record: RunRecord, folder: Path) -> RunIdentity:
    """Whose worker it is."""
    return RunIdentity(record.run_name, record.run_id, folder.absolute(), record.flow_run_id)
