"""Reads the policy of `benchy gate` from a YAML file."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from benchy.bounded_yaml import MOST_BYTES, compose_yaml, plain_data
from benchy.config.mistakes import describe_mistakes, key_lines
from benchy.errors import ConfigError
from benchy.results.gate import Policy

HINT = "a policy has `benchmarks: {NAME: {max_drop: 0.01}}`"


def load_policy(path: Path) -> Policy:
    """Read and check a policy.

    Raises:
        ConfigError: not readable, not YAML, or not valid; names the line, the key and what was expected.
    """
    try:
        with path.open("rb") as file:
            node = compose_yaml(file.read(MOST_BYTES + 1).decode())
        lines = key_lines(node, source=str(path)) if node else {}
        return Policy.model_validate(plain_data(node))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}", hint=HINT) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML", hint=HINT) from error
    except ValidationError as error:
        mistakes = describe_mistakes(error.errors(), Policy, lines)
        raise ConfigError(f"{path}: " + "\n  ".join(mistakes), hint=HINT) from error
