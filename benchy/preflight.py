"""Facts about this host and the model before a byte is downloaded or a GPU is taken."""

from __future__ import annotations

from pathlib import Path

from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, ModelNotFound
from benchy.task_index import require_tasks

WEIGHTS = ("*.safetensors", "*.bin", "*.gguf", "*.pt", "*.pth")


def preflight(config: BenchmarkConfig) -> None:
    """Check all that can be known here in a second or two.

    Raises:
        TaskNotFound: lm-eval knows no such task.
        ModelNotFound: ``model.name`` is a path without a model.
        ConfigError: results could not be written.
    """
    require_tasks(config.evaluation.tasks, config.evaluation.include_path)
    _require_model(config)
    _require_writable(config)


def _require_model(config: BenchmarkConfig) -> None:
    name = config.model.name
    folder = Path(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file() and not config.model.args.get("gguf_file"):
            raise ModelNotFound(f'the folder "{name}" holds no config.json', hint="name the folder of a saved model")
        if not any(next(folder.glob(pattern), None) for pattern in WEIGHTS):
            raise ModelNotFound(f'the folder "{name}" holds no weights ({", ".join(WEIGHTS)})')
    elif looks_like_path(name):
        raise ModelNotFound(f'no folder "{name}"', hint=f"paths are relative to {Path.cwd()}")


def looks_like_path(name: str) -> bool:
    """Whether a name can only be a path: the Hub's names are ``name`` or ``org/name``."""
    return name.startswith(("/", "./", "../", "~")) or name.count("/") > 1 or name.endswith("/")


def _require_writable(config: BenchmarkConfig) -> None:
    """An output folder that cannot be written is found now, not after the evaluation."""
    for key, path in (
        ("evaluation.output_path", config.evaluation.output_path),
        ("logging.log_dir", config.logging.log_dir),
    ):
        nearest = next(p for p in (Path(path).absolute(), *Path(path).absolute().parents) if p.exists())
        if not nearest.is_dir():
            raise ConfigError(f'{key}: "{nearest}" is a file, not a folder')
