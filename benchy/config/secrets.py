"""Refuses secrets in a config: what stands there is in the record, and the record is published."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from benchy.backends import known_backend
from benchy.config.benchmark import BenchmarkConfig
from benchy.errors import ConfigError
from benchy.masking import looks_like_secret, names_secret, names_secret_header

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def refuse_secrets(config: BenchmarkConfig, *, source: str) -> None:
    """Check that nothing that a model is loaded or asked with is a secret, and that variables are named and not set.

    Raises:
        ConfigError: a secret is there; the message names the key, not the value.
    """
    if not all(map(_VARIABLE.fullmatch, config.environment)):
        raise ConfigError(
            f'{source}: "environment" holds more than names of variables',
            hint="name each variable alone, without =VALUE: its value is taken from this machine's environment",
        )
    if found := next(_find_in(config), None):
        backend = known_backend(config.model.backend)
        variable = "HF_TOKEN" if backend.loads_weights else " or ".join(backend.keys)
        raise ConfigError(
            f'{source}: "{found}" holds a secret, and what the config says is published with the scores',
            hint=f"remove it, and set the environment variable {variable}, where lm-eval looks for it",
        )


def _find_in(config: BenchmarkConfig) -> Iterator[str]:
    yield from _find(config.model.args, "model.args")
    yield from _find(config.evaluation.gen_kwargs, "evaluation.gen_kwargs")
    for section, value in config.model_dump().items():
        yield from _find(value, section, names=lambda _key: False)


def _find(value: Any, where: str, *, named: bool = False, names: Callable[[str], bool] = names_secret) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{where} (a key)" for key in value if looks_like_secret(str(key)))
        for key, part in value.items():
            told = names_secret_header if "header" in str(key).lower() else names
            yield from _find(part, f"{where}.{key}", named=named or names(str(key)), names=told)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _find(part, where, named=named, names=names)
    elif isinstance(value, str) and value and (named or looks_like_secret(value) or _is_header(value, names)):
        yield where


def _is_header(text: str, names: Callable[[str], bool]) -> bool:
    """Tell of a header's text, or of a JSON object with headers, whether one of them lets somebody in."""
    return names is names_secret_header and any(map(names, re.findall(r"[\w-]+(?=\"?\s*:)", text)))
