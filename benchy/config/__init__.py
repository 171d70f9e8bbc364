"""The config of a run: one YAML file, checked and frozen."""

from benchy.config.benchmark import BenchmarkConfig
from benchy.config.loading import load_config, parse_config
from benchy.config.overrides import with_overrides
from benchy.config.publishing import UPLOAD_TOKEN, WANDB_KEY, UploadConfig, WandbConfig
from benchy.config.sections import ContainerConfig, DownloadConfig, EvaluationConfig, ModelConfig, PerformanceConfig
from benchy.config.values import LM_EVAL_SEEDS, ChangePath, Seeds

__all__ = [
    "LM_EVAL_SEEDS",
    "UPLOAD_TOKEN",
    "WANDB_KEY",
    "BenchmarkConfig",
    "ChangePath",
    "ContainerConfig",
    "DownloadConfig",
    "EvaluationConfig",
    "ModelConfig",
    "PerformanceConfig",
    "Seeds",
    "UploadConfig",
    "WandbConfig",
    "load_config",
    "parse_config",
    "with_overrides",
]
