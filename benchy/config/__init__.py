"""The config of a run: one YAML file, checked and frozen."""

from benchy.config.benchmark import BenchmarkConfig
from benchy.config.loading import load_config, parse_config
from benchy.config.overrides import with_overrides
from benchy.config.sections import (
    LM_EVAL_SEEDS,
    UPLOAD_TOKEN,
    WANDB_KEY,
    ContainerConfig,
    DownloadConfig,
    EvaluationConfig,
    ModelConfig,
    UploadConfig,
    WandbConfig,
)

__all__ = [
    "LM_EVAL_SEEDS",
    "UPLOAD_TOKEN",
    "WANDB_KEY",
    "BenchmarkConfig",
    "ContainerConfig",
    "DownloadConfig",
    "EvaluationConfig",
    "ModelConfig",
    "UploadConfig",
    "WandbConfig",
    "load_config",
    "parse_config",
    "with_overrides",
]
