"""Reads a config from a YAML file."""

from __future__ import annotations

import difflib
from pathlib import Path

import yaml
from pydantic import ValidationError

from benchy.config.benchmark import BenchmarkConfig
from benchy.config.mistakes import KeyPath, describe_mistakes, key_lines, type_name
from benchy.errors import ConfigError

_FIX_FILE = "fix the file, then try again"


def load_config(path: Path) -> BenchmarkConfig:
    """Read and check one YAML file.

    Raises:
        ConfigError: not readable, not YAML, or not valid; names the file, the line, the key and what was expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {_reason(error)}", hint=_nearest_file(path)) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = key_lines(node, source=str(path)) if node else {}
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    return require_tasks_given(parse_config(data, source=str(path), lines=lines), source=str(path))


def require_tasks_given(config: BenchmarkConfig, *, source: str) -> BenchmarkConfig:
    """Only `benchy test` evaluates nothing."""
    if not config.evaluation.tasks:
        raise ConfigError(f'{source}: "evaluation.tasks" is empty; expected at least one benchmark', hint=_FIX_FILE)
    return config


def parse_config(data: object, *, source: str, lines: dict[KeyPath, int] | None = None) -> BenchmarkConfig:
    """Check what a YAML file holds; ``lines`` gives the line of each key, for the errors.

    Raises:
        ConfigError: not valid.
    """
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: expected sections (model, evaluation, ...), got {type_name(data)}")
    try:
        return BenchmarkConfig.model_validate(data)
    except ValidationError as error:
        mistakes = describe_mistakes(error.errors(), BenchmarkConfig, lines or {})
        heading = [f"{len(mistakes)} problems"] if len(mistakes) > 1 else []
        raise ConfigError(f"{source}: " + "\n  ".join([*heading, *mistakes]), hint=_FIX_FILE) from error


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "not UTF-8 text"


def _nearest_file(path: Path) -> str:
    siblings = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, siblings, n=1)
    if near:
        return f"did you mean {path.parent / near[0]}?"
    return f"files there: {', '.join(sorted(siblings))}" if siblings else "name a YAML file, e.g. configs/demo.yaml"
