"""RunRecord: the one versioned account of a run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, Self, TypedDict, Unpack

from pydantic import AwareDatetime, Field, ValidationError

from benchy.atomic import write_atomically
from benchy.config import BenchmarkConfig, ChangePath
from benchy.errors import ErrorData
from benchy.frozen import FrozenModel
from benchy.hashing import hash_content
from benchy.masking import mask_data
from benchy.record.facts import Environment, Facts, ModelIdentity, Prepared
from benchy.record.model_test import ModelTestResult
from benchy.record.results import EvaluationResult, Uploaded, WandbRun
from benchy.regular_files import read_regular

SCHEMA_VERSION: Final = 1
RECORD_FILE = "record.json"
WORKER_FOLDER = "worker"
"""In the run's folder: all that a model's worker may write there, until it is gone. The record is out of its reach."""
ANSWERS_FILES = f"{WORKER_FOLDER}/answers*.jsonl"
"""In the run's folder until the evaluation is done: every answer that the model gave, a file for each process."""


class Seconds(FrozenModel):
    """How long each phase took."""

    download: float | None = None
    load: float | None = None
    generate: float | None = None
    task_build: float | None = None
    inference: float | None = None
    scoring: float | None = None
    upload: float | None = None

    def prepared(self, prepared: Prepared) -> Self:
        """Return them with those of the download."""
        return self._with(download=prepared.download_seconds)

    def tested(self, result: ModelTestResult) -> Self:
        """Return them with those of the model test."""
        return self._with(load=result.load_seconds, generate=result.generation_seconds)

    def evaluated(self, result: EvaluationResult) -> Self:
        """Return them with those of the evaluation."""
        return self._with(
            task_build=result.task_build_seconds, inference=result.inference_seconds, scoring=result.scoring_seconds
        )

    def published(self, uploaded: Uploaded | None) -> Self:
        """Return them with those of the upload, or with none of it."""
        return self._with(upload=uploaded.upload_seconds if uploaded else None)


Status = Literal["started", "tested", "evaluated", "published", "failed", "interrupted"]


class RecordChanges(TypedDict, total=False):
    """What of a record may change, with its types: the same as in :class:`RunRecord`."""

    status: Status
    ended_at: datetime
    config: BenchmarkConfig
    log_file: str
    runtime: str | None
    model: ModelIdentity | None
    data_sets: dict[str, str]
    environment: Environment | None
    model_test: ModelTestResult | None
    evaluation: EvaluationResult | None
    file_hashes: dict[str, str]
    uploaded: Uploaded | None
    wandb: WandbRun | None
    seconds: Seconds
    error: ErrorData | None
    flow_run_id: str | None
    seal: str | None


class RunRecord(FrozenModel):
    """All that is known of a run; written at its start and after each step, so that a crash leaves a readable file.

    Each step has a method that gives the record as it is afterwards. A run that goes on has no error.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    run_name: str
    run_id: str
    """Unique for all time; the leaderboard holds each once."""
    status: Status
    is_test: bool
    """Never ranked: ``limit`` was set."""
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    benchy_version: str
    config: BenchmarkConfig
    log_file: str
    runtime: str | None = None
    """Where its workers run, chosen once: ``process`` or ``docker``. None in records that do not say."""
    facts: Facts = Facts()
    model: ModelIdentity | None = None
    data_sets: dict[str, str] = Field(default_factory=dict)
    """The commit of each data set that came from the Hub, by ``name`` or ``name@revision``, and ``sha256:...`` of the
    content of each local data file, by its name."""
    environment: Environment | None = None
    model_test: ModelTestResult | None = None
    evaluation: EvaluationResult | None = None
    file_hashes: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each of lm-eval's files by name, taken when the evaluation's worker was gone."""
    uploaded: Uploaded | None = None
    wandb: WandbRun | None = None
    """None if it was not asked for, or failed: the log says why."""
    seconds: Seconds = Field(default_factory=Seconds)
    error: ErrorData | None = None
    """What ended the run, if something did."""
    flow_run_id: str | None = None
    """Prefect's, if it ran there."""
    seal: str | None = None
    """SHA-256 of the rest of the file as Benchy wrote it: a record that was edited afterwards is not published."""

    @property
    def is_unpublished(self) -> bool:
        """Whether its config names a leaderboard, or Weights & Biases, where the run is not yet."""
        config = self.config
        return (config.upload is not None and self.uploaded is None) or (
            config.wandb is not None and self.wandb is None
        )

    def taken_up_with(self, config: BenchmarkConfig) -> Self | None:
        """Return this record with a config that was mended since; None if that changes answers: it is another run."""
        if self.config.what_changes_answers() != config.what_changes_answers():
            return None
        if self.evaluation is not None:  # how it was evaluated stays as it was
            config = self.config.published_to(config.upload, config.wandb)
        return self._changed(config=config)

    def run_in(self, runtime: str) -> Self:
        """Return it as that of a run whose workers run there from now on."""
        return self._changed(runtime=runtime)

    def of_flow_run(self, flow_run_id: str) -> Self:
        """Return it as that of a flow run of Prefect's."""
        return self._changed(flow_run_id=flow_run_id, error=None)

    def prepared(self, prepared: Prepared) -> Self:
        """Return it with what the worker found when all was there."""
        return self._changed(
            model=prepared.model,
            data_sets=prepared.data_sets,
            environment=prepared.environment,
            seconds=self.seconds.prepared(prepared),
            error=None,
        )

    def tested(self, result: ModelTestResult) -> Self:
        """Return it as it is after the model test."""
        return self._changed(status="tested", model_test=result, seconds=self.seconds.tested(result), error=None)

    def evaluated(self, result: EvaluationResult, file_hashes: dict[str, str], *, at: datetime) -> Self:
        """Return it as it is after the evaluation, which ended at a time.

        Args:
            result: the worker's answer.
            file_hashes: SHA-256 of each of lm-eval's files by name.
            at: when.
        """
        return self._changed(
            status="evaluated",
            evaluation=result,
            file_hashes=file_hashes,
            seconds=self.seconds.evaluated(result),
            ended_at=at,
            error=None,
        )

    def published(self, uploaded: Uploaded, *, at: datetime) -> Self:
        """Return it as it is once it is on its leaderboard."""
        seconds = self.seconds.published(uploaded)
        return self._changed(status="published", uploaded=uploaded, seconds=seconds, ended_at=at, error=None)

    def logged_to_wandb(self, shown: WandbRun) -> Self:
        """Return it as it is once it is shown at Weights & Biases."""
        return self._changed(wandb=shown, error=None)

    def failed(self, error: ErrorData, *, at: datetime) -> Self:
        """Return it with what ended the run; what is published stays published."""
        if self.status == "published":
            return self
        status: Status = "interrupted" if error.kind == "Interrupted" else "failed"
        return self._changed(status=status, error=error.without_traceback(), ended_at=at)

    def with_paths(self, change: ChangePath) -> Self:
        """Return it with every text changed that may be a path of this machine, but for those of the environment."""
        model = self.model and self.model.with_paths(change)
        return self._changed(config=self.config.with_paths(change), log_file=change(self.log_file), model=model)

    def without_history(self, config: BenchmarkConfig) -> Self:
        """Return it as every upload publishes it, with a config that all may see: nothing after the evaluation."""
        return self._changed(
            status="published",
            config=config,
            uploaded=None,
            wandb=None,
            seconds=self.seconds.published(None),
            error=None,
            seal=None,
        )

    def without_samples(self) -> Self:
        """Return it without the names of samples files, which are not published."""
        return self._changed(evaluation=self.evaluation and self.evaluation.without_samples())

    def without_scores(self) -> Self:
        """Return it without the names of tables of documents' scores, where those are not published."""
        return self._changed(evaluation=self.evaluation and self.evaluation.without_scores())

    def with_file_hashes(self, file_hashes: dict[str, str]) -> Self:
        """Return it with SHA-256 of each of lm-eval's files by name."""
        return self._changed(file_hashes=file_hashes)

    def _changed(self, **changes: Unpack[RecordChanges]) -> Self:
        return self._with(**changes)

    @property
    def model_label(self) -> str:
        """The model's name wherever it is shown; as the config has it while it is not known where that leads."""
        return self.model.label if self.model else self.config.model.name


def write_record(record: RunRecord, folder: Path) -> None:
    """Write ``record.json`` whole or not at all, with every secret masked.

    Raises:
        OSError: the folder cannot be written.
    """
    data = mask_data(record.model_dump(mode="json"))
    write_atomically(folder / RECORD_FILE, json.dumps(data | {"seal": _seal(data)}, indent=2) + "\n")


def read_record(folder: Path) -> RunRecord:
    """Return the record in a run's folder.

    Raises:
        OSError: there is none.
        pydantic.ValidationError: it is not a record of this version.
    """
    return RunRecord.model_validate_json(read_regular(folder / RECORD_FILE))


def why_unreadable(error: Exception) -> str:
    """Say in a line why :func:`read_record` failed."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"[:200]
    return str(error)[:200]


def is_edited(folder: Path) -> bool:
    """Return whether the record in a run's folder is not as Benchy wrote it; those of older versions have no seal."""
    data = json.loads(read_regular(folder / RECORD_FILE))
    return data.get("seal") is not None and data["seal"] != _seal(data)


def _seal(data: dict[str, Any]) -> str:
    rest = {name: value for name, value in data.items() if name != "seal"}
    return hash_content(json.dumps(rest, sort_keys=True).encode())


def now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now(UTC)
