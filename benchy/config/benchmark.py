"""BenchmarkConfig: one YAML file, checked and frozen."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from benchy.backends import BACKENDS
from benchy.config.mistakes import ADDRESS
from benchy.config.publishing import UploadConfig, WandbConfig
from benchy.config.sections import (
    ContainerConfig,
    DownloadConfig,
    EvaluationConfig,
    LoggingConfig,
    ModelConfig,
    PerformanceConfig,
    WorkerConfig,
)
from benchy.config.values import ChangePath, GpuName, Section, as_tuple

_NO_MATTER_TO_ANSWERS: Any = {
    "evaluation": {"output_path", "batch_size", "max_batch_size", "cache_requests", "cluster"},
    "performance": {"use_accelerate", "num_gpus", "replicas", "collective_timeout"},
    "container": {"shm_size", "memory", "pids_limit", "ulimits", "cache", "volumes", "sandbox"},
    **dict.fromkeys(("download", "logging", "upload", "wandb", "gpus", "runtime", "worker"), True),
}


class BenchmarkConfig(Section):
    """One benchmark configuration: one YAML file."""

    model: ModelConfig
    evaluation: EvaluationConfig
    performance: PerformanceConfig = PerformanceConfig()
    worker: WorkerConfig = WorkerConfig()
    download: DownloadConfig = DownloadConfig()
    logging: LoggingConfig = LoggingConfig()
    upload: UploadConfig | None = None
    """Without it the run ends with its record, and nothing is published."""
    wandb: WandbConfig | None = None
    """Weights & Biases beside the leaderboard, or in its place."""
    gpus: Annotated[tuple[GpuName, ...], BeforeValidator(as_tuple), Field(min_length=1)] | None = None
    """The GPUs to use: indices or UUIDs, as ``nvidia-smi -L`` lists them, or CDI names (``nvidia.com/gpu=0``)."""
    runtime: Literal["docker", "process"] | Annotated[str, Field(max_length=200, pattern=ADDRESS)] | None = None
    """Where the GPU worker runs: a container, or a child process on this machine. If not set: a container where a
    Docker engine answers and ``gpus`` or ``performance.num_gpus`` asks for GPUs. ``package.module:Class`` is a runtime
    of another package (docs/extending.md)."""
    environment: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = ()
    """Names of more variables that the worker gets of this machine's environment: by itself it has what finds programs,
    libraries, devices and caches, and no secret. Code of a model can read them, and `docker inspect` shows them."""
    container: ContainerConfig = ContainerConfig()

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        gpus, wanted = self.gpus, self.performance.num_gpus
        if gpus is not None and wanted is not None and len(gpus) != wanted:
            raise ValueError(f'"performance.num_gpus" is {wanted} but "gpus" names {len(gpus)}; change one or drop it')
        if gpus is not None and len(set(gpus)) != len(gpus):
            raise ValueError('"gpus" names the same GPU twice')
        if problem := self._replicas_problem() or self._backend_problem():
            raise ValueError(problem)
        if self.worker.python is not None and self.runtime not in {None, "process"}:
            raise ValueError(f'"worker.python" is for "runtime: process", and "runtime" is {self.runtime}; drop one')
        on_cpu = self.evaluation.device == "cpu" and not self.performance.use_accelerate
        if on_cpu and (gpus or wanted or self.performance.parallelize):
            asked = "gpus" if gpus else "performance.num_gpus" if wanted else "performance.parallelize"
            raise ValueError(f'"evaluation.device" is cpu but "{asked}" asks for GPUs; change one or drop it')
        return self

    def _replicas_problem(self) -> str | None:
        replicas, given = self.performance.replicas, self.performance.num_gpus or len(self.gpus or ())
        if replicas is not None and given and given != replicas:
            return f'"performance.replicas" is {replicas} but {given} GPUs are named; each replica needs one'
        return None

    def _backend_problem(self) -> str | None:
        """Ways to use several GPUs that the back end does not know, or that exclude each other."""
        row, ways = BACKENDS.get(self.model.backend), self.performance.ways
        if problem := row and row.problem_with(ways):  # of another package's back end preflight asks
            return problem
        if "tp_plan" in self.model.args and ways:
            return f'"model.args.tp_plan" and "performance.{ways[0]}" are two ways to use several GPUs; drop one'
        return None

    @property
    def uses_gpus(self) -> bool:
        """Whether the model is meant to be on GPUs of the worker's machine."""
        return self.evaluation.device.startswith("cuda") or self.performance.use_accelerate

    @property
    def is_test(self) -> bool:
        """Whether this run is a test and never ranked: it sees only part of each benchmark."""
        return self.evaluation.limit is not None

    def with_model(self, model: ModelConfig) -> Self:
        """Return the same run of another model, or of the same one named more exactly."""
        return self._with(model=model)

    def with_evaluation(self, evaluation: EvaluationConfig) -> Self:
        """Return another evaluation of the same model."""
        return self._with(evaluation=evaluation)

    def published_to(self, upload: UploadConfig | None, wandb: WandbConfig | None) -> Self:
        """Return the same run with its results going elsewhere, or nowhere."""
        return self._with(upload=upload, wandb=wandb)

    def with_paths(self, change: ChangePath) -> Self:
        """Return it with every text changed that may be a path of this machine."""
        return self._with(
            model=self.model.with_paths(change),
            evaluation=self.evaluation.with_paths(change),
            worker=self.worker.with_paths(change),
            logging=LoggingConfig(log_dir=change(self.logging.log_dir)),
            upload=self.upload and self.upload.with_paths(change),
        )

    def what_changes_answers(self) -> dict[str, Any]:
        """All of the config but for where results go, where the worker runs, and how many requests it takes at once."""
        return self.model_dump(exclude=_NO_MATTER_TO_ANSWERS)
