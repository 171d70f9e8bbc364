"""Reads a config from a YAML file."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

import yaml
from pydantic import ValidationError

from benchy.bounded_yaml import MOST_BYTES, compose_yaml, plain_data
from benchy.config.benchmark import BenchmarkConfig
from benchy.config.mistakes import KeyPath, describe_mistakes, key_lines, type_name
from benchy.config.secrets import refuse_secrets
from benchy.errors import ConfigError

_QUOTED = r"'(?!<)[^']{2,}'"
"""In a message of PyYAML: what stands in the file, and not the name of a kind of token."""
_FIX_FILE = "fix the file, then try again"


def load_config(path: Path) -> BenchmarkConfig:
    """Read and check one YAML file.

    Raises:
        ConfigError: not readable, not YAML, or not valid; names the file, the line, the key and what was expected.
    """
    return config_of(path, *read_settings(path))


def config_of(path: Path, settings: object, lines: dict[KeyPath, int]) -> BenchmarkConfig:
    """Check what :func:`read_settings` read of a file.

    Raises:
        ConfigError: not valid.
    """
    return require_tasks_given(parse_config(settings, source=str(path), lines=lines), source=str(path))


def read_settings(path: Path) -> tuple[object, dict[KeyPath, int]]:
    """Return what a YAML file holds, and the line of each key.

    Raises:
        ConfigError: not readable, or not YAML.
    """
    try:
        str(path).encode()  # it is a parameter of the flow
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1).decode()
    except UnicodeEncodeError as error:
        raise ConfigError(f"{path}: its name is not UTF-8 text", hint="rename the file") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read: {_reason(error)}", hint=_nearest_file(path)) from error
    try:
        node = compose_yaml(text)
        lines = key_lines(node, source=str(path)) if node else {}
        return plain_data(node), lines
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {_yaml_problem(error)}") from error


def require_tasks_given(config: BenchmarkConfig, *, source: str, hint: str = _FIX_FILE) -> BenchmarkConfig:
    """Only `benchy test` evaluates nothing."""
    if not config.evaluation.tasks:
        raise ConfigError(f'{source}: "evaluation.tasks" is empty; expected at least one benchmark', hint=hint)
    return config


def parse_config(
    data: object, *, source: str, lines: dict[KeyPath, int] | None = None, hint: str = _FIX_FILE
) -> BenchmarkConfig:
    """Check what a YAML file holds.

    Args:
        data: the file's content.
        source: what the errors call it.
        lines: the line of each key, for the errors.
        hint: what is to be done about a mistake.

    Raises:
        ConfigError: not valid.
    """
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: expected sections (model, evaluation, ...), got {type_name(data)}")
    try:
        config = BenchmarkConfig.model_validate(data)
    except ValidationError as error:
        mistakes = describe_mistakes(error.errors(), BenchmarkConfig, lines or {})
        heading = [f"{len(mistakes)} problems"] if len(mistakes) > 1 else []
        raise ConfigError(f"{source}: " + "\n  ".join([*heading, *mistakes]), hint=hint) from error
    refuse_secrets(config, source=source)
    return config


def _yaml_problem(error: yaml.YAMLError) -> str:
    """Where it is and what, without the words of the file: it may be no config but a file of secrets."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return " ".join(str(error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {re.sub(_QUOTED, '...', problem)}"


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "not UTF-8 text" if isinstance(error, UnicodeError) else str(error)


def _nearest_file(path: Path) -> str:
    try:
        siblings = [p.name for p in path.parent.glob("*.y*ml") if p.name != path.name]
    except (OSError, ValueError):
        siblings = []
    if os.path.lexists(path):
        return "check what it is, and who may read it (`ls -l`)"
    near = difflib.get_close_matches(path.name, siblings, n=1)
    if near:
        return f"did you mean {path.parent / near[0]}?"
    return f"files there: {', '.join(sorted(siblings))}" if siblings else "name a YAML file, e.g. configs/demo.yaml"
