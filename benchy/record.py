"""RunRecord: the one versioned account of a run."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from benchy.config import BenchmarkConfig
from benchy.errors import ErrorData

SCHEMA_VERSION: Final = 1
RECORD_FILE = "record.json"
ANSWERS_FILES = "answers*.jsonl"
"""In the run's folder until the evaluation is done: every answer that the model gave, a file for each process."""


class FrozenModel(BaseModel):
    """Data that is checked when it is made, and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Device(FrozenModel):
    """One device that the worker sees."""

    kind: Literal["cpu", "cuda", "mps"]
    name: str
    """What its maker calls it."""
    memory_bytes: int
    uuid: str | None = None
    """``GPU-...`` as ``nvidia-smi -L`` prints it."""


class Environment(FrozenModel):
    """Where the worker ran."""

    packages: dict[str, str]
    """Version of each package that can change a score."""
    python: str
    platform: str
    cpu: str
    cpu_count: int
    devices: tuple[Device, ...]
    image: str | None = None
    """The container's image by digest; None outside of one."""
    pinned_gpus: tuple[str, ...] = ()
    """UUIDs of the GPUs that the container was given, as the worker found them."""


class ModelIdentity(FrozenModel):
    """What was tested and evaluated, exactly."""

    name: str
    """As the config names it."""
    source: Literal["hub", "folder", "api"]
    commit: str | None = None
    """The Hub's commit that the revision stood for."""
    content_hash: str | None = None
    """For a folder: SHA-256 over its files' names and contents."""
    parts: dict[str, str] = Field(default_factory=dict)
    """The commit of each further repository that is loaded with it: tokenizer, adapter, delta weights."""


class MemoryEstimate(FrozenModel):
    """What one GPU is thought to hold at the peak of a forward pass; see benchy/memory.py."""

    batch: int
    length: int
    """Tokens of each sequence."""
    weights_bytes: int
    kv_cache_bytes: int
    logits_bytes: int
    activations_bytes: int
    gpus: int
    """Over how many GPUs one copy of the model is spread."""

    @property
    def total_bytes(self) -> int:
        """Without what CUDA itself takes; the layers' activations are gone when the logits are made."""
        return self.weights_bytes + self.kv_cache_bytes + max(self.logits_bytes, self.activations_bytes)


class Facts(FrozenModel):
    """What was found out before anything was fetched or loaded."""

    commit: str | None = None
    """The Hub's commit of the model's revision: from then on only this one is used. None for a folder or an API."""
    parameters: int | None = None
    """In the weights' files, tied ones once; None if the files do not say."""
    bytes_by_dtype: dict[str, int] = Field(default_factory=dict)
    """As stored."""
    download_bytes: int = 0
    """Of the files that are loaded."""
    missing_bytes: int = 0
    """Of those that are not in the cache yet."""
    memory: MemoryEstimate | None = None
    warnings: tuple[str, ...] = ()
    """What may go wrong, and what to do about it."""


class Prepared(FrozenModel):
    """The answer to ``prepare``: all that the next steps need is on this machine."""

    model: ModelIdentity
    environment: Environment
    benchmarks: tuple[str, ...]
    """Every single benchmark that the config's tasks, groups and tags stand for."""
    data_sets: dict[str, str] = Field(default_factory=dict)
    """The commit of each data set that came from the Hub, by ``name`` or ``name@revision``."""
    download_seconds: float
    """Of the model and the data sets, whether they came over the network or were in the cache."""


class GpuUse(FrozenModel):
    """What one GPU did while a step ran, sampled once a second; None is what it does not tell."""

    uuid: str
    """``GPU-...`` as ``nvidia-smi -L`` prints it."""
    samples: int
    """How often it was looked at."""
    utilization_mean: float | None
    """Share of the time in which a kernel ran, from 0 to 1."""
    utilization_peak: float | None
    memory_mean_bytes: int | None
    """Of the whole GPU, as NVML counts it: what CUDA itself takes is in it."""
    memory_peak_bytes: int | None
    power_mean_watts: float | None
    power_peak_watts: float | None
    energy_kwh: float | None
    """By the GPU's own counter; by the sampled power where it has none."""


class ModelTestResult(FrozenModel):
    """The answer to ``model_test``."""

    parameters: int | None
    """Stored parameters, tied ones once; None behind an API."""
    size_bytes: int | None
    """Of the parameters as loaded."""
    bytes_by_dtype: dict[str, int]
    dtype: str | None
    """The one that most bytes have."""
    device: str | None
    load_seconds: float
    generation_seconds: float
    prompt: str
    generated: str
    """The prompt and what the model said after it."""
    tokens: int
    """Tokens that the model said."""
    peak_memory_bytes: int
    """``peak_memory_of`` says of what."""
    peak_memory_of: Literal["gpu", "process"]
    gpu_use: tuple[GpuUse, ...] | None = None
    """Of each GPU during this step; None where the model is on none."""

    @property
    def size_gb(self) -> float | None:
        """Size in GB of 1024^3 bytes."""
        return None if self.size_bytes is None else self.size_bytes / 1024**3

    @property
    def tokens_per_second(self) -> float:
        """Of the generation, prompt included in the time and not in the tokens."""
        return self.tokens / self.generation_seconds if self.generation_seconds else 0.0


class Metric(FrozenModel):
    """One score of one benchmark or group."""

    name: str
    """lm-eval's name: ``acc``, ``exact_match``, ..."""
    filter: str
    """lm-eval's filter that cut the answer out of the text; ``none`` for most."""
    value: float | None
    """None if lm-eval gave no number."""
    stderr: float | None
    """Standard error of the mean (lm-eval's bootstrap for others); None if not defined."""
    higher_is_better: bool | None


class BenchmarkSeconds(FrozenModel):
    """Where one benchmark's time went."""

    task_build: float
    inference: float
    """Requests of all benchmarks run in common batches; this is the share by length of the requests."""
    scoring: float


class BenchmarkResult(FrozenModel):
    """The scores of one benchmark or one group."""

    name: str
    alias: str
    """As lm-eval's table shows it."""
    version: str
    num_fewshot: int | None
    documents: int
    """How many were evaluated."""
    documents_in_all: int
    """How many the benchmark has."""
    metrics: tuple[Metric, ...]
    samples_file: str | None = None
    """In the run's folder."""
    prompts_hash: str | None = None
    """SHA-256 over all that the model was asked; runs that differ here are not comparable. None for a group."""
    seconds: BenchmarkSeconds | None = None
    """None for a group."""
    members: tuple[str, ...] = ()
    """Of a group: every benchmark and group below it, at any depth; its score is made of theirs."""


class Scoring(FrozenModel):
    """How log-likelihoods were computed. Runs of both ways are comparable: in float32 they differ by less than 1e-4."""

    way: Literal["fast", "stock"]
    """``stock`` is lm-eval's own; ``fast`` computes what requests share only once."""
    reason: str | None = None
    """Why not the fast way, where ``model.backend`` asks for it."""


class EvaluationResult(FrozenModel):
    """The answer to ``evaluation``."""

    benchmarks: tuple[BenchmarkResult, ...]
    groups: tuple[BenchmarkResult, ...]
    results_file: str
    """lm-eval's own, in the run's folder."""
    requests: int
    """How many were answered."""
    resumed_requests: int = 0
    """How many of these were answered before a crash, by a worker that is gone."""
    resumed_seconds: float = 0.0
    """How long that worker took for them: part of the inference's seconds, which are those of all answers."""
    seeds: tuple[int, int, int, int]
    """Of Python's, numpy's and torch's random numbers, and of the sampling of worked examples."""
    batch_sizes: tuple[int, ...]
    """All that were used, in their order: one that did not fit into the memory is followed by its half."""
    scoring: Scoring | None = None
    """None if the model is not a transformers one in the worker."""
    warnings: tuple[str, ...] = ()
    """Where scores are known to drift from what others measured."""
    load_seconds: float | None
    """None if the model was loaded already."""
    task_build_seconds: float
    inference_seconds: float
    scoring_seconds: float
    gpu_use: tuple[GpuUse, ...] | None = None
    """Of each GPU during this step, by the worker that ended it; None where the model is on none."""


class Uploaded(FrozenModel):
    """The answer to ``upload``."""

    url: str
    """Where a person looks at the leaderboard."""
    already_there: bool
    """The same run had been uploaded before, so nothing changed."""
    rank: int | None
    """On the leaderboard; None for a test."""
    pull_request: str | None = None
    """The one on the model's own repository, if ``upload.model_card`` asked for it."""
    upload_seconds: float


class WandbRun(FrozenModel):
    """The answer to ``wandb``: where the run is shown at Weights & Biases."""

    url: str | None = None
    """None where ``WANDB_MODE`` is ``offline``."""
    folder: str | None = None
    """Of an offline run; ``wandb sync`` sends it."""


class Seconds(FrozenModel):
    """How long each phase took."""

    download: float | None = None
    load: float | None = None
    generate: float | None = None
    task_build: float | None = None
    inference: float | None = None
    scoring: float | None = None
    upload: float | None = None


Status = Literal["started", "tested", "evaluated", "published", "failed", "interrupted"]


class RunRecord(FrozenModel):
    """All that is known of a run; written at its start and after each step, so that a crash leaves a readable file."""

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
    facts: Facts = Facts()
    model: ModelIdentity | None = None
    data_sets: dict[str, str] = Field(default_factory=dict)
    """The commit of each data set that came from the Hub, by ``name`` or ``name@revision``."""
    environment: Environment | None = None
    model_test: ModelTestResult | None = None
    evaluation: EvaluationResult | None = None
    uploaded: Uploaded | None = None
    wandb: WandbRun | None = None
    """None if it was not asked for, or failed: the log says why."""
    seconds: Seconds = Field(default_factory=Seconds)
    error: ErrorData | None = None
    """What ended the run, if something did."""
    flow_run_id: str | None = None
    """Prefect's, if it ran there."""


def write_record(record: RunRecord, folder: Path) -> None:
    """Write ``record.json`` whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    write_atomically(folder / RECORD_FILE, record.model_dump_json(indent=2) + "\n")


def read_record(folder: Path) -> RunRecord:
    """The record in a run's folder.

    Raises:
        OSError: there is none.
        pydantic.ValidationError: it is not a record of this version.
    """
    return RunRecord.model_validate_json((folder / RECORD_FILE).read_bytes())


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's text; a reader, or a crash at any moment, sees the old text or the new, never a part."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)
