"""Refuses secrets in ``model.args``: what stands there is in the record, and the record is published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchy.backends import known_backend
from benchy.config.sections import ModelConfig
from benchy.errors import ConfigError
from benchy.masking import looks_like_secret, names_secret


def refuse_secrets(model: ModelConfig, *, source: str) -> None:
    """Check that no argument of a model is a secret.

    Raises:
        ConfigError: one is; its message names the key, not the value.
    """
    if found := next(_find(model.args, "model.args"), None):
        backend = known_backend(model.backend)
        variable = "HF_TOKEN" if backend.loads_weights else " or ".join(backend.keys)
        raise ConfigError(
            f'{source}: "{found}" holds a secret, and what the config says is published with the scores',
            hint=f"remove it, and set the environment variable {variable}, where lm-eval looks for it",
        )


def _find(value: Any, where: str, *, named: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _find(part, f"{where}.{key}", named=named or names_secret(str(key)))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _find(part, where, named=named)
    elif isinstance(value, str) and value and (named or looks_like_secret(value)):
        yield where
