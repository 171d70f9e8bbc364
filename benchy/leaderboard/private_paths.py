"""Cleans lm-eval's results of what the published record hides: absolute paths and secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any

from benchy.masking import mask_data
from benchy.record import RunRecord

_PROMPT_KEYS = re.compile(r"doc_to_|description$|system_instruction|chat_template|delimiter|until$|prefix")
"""Texts that the model saw: one that begins with ``/`` is no path."""


def clean_results(results: dict[str, Any], record: RunRecord) -> dict[str, Any]:
    """Return the results with the last part of each absolute path in its place, and secrets masked."""
    hidden = sorted({path.rstrip("/") for path in _paths(record) if _is_path(path)}, key=len, reverse=True)
    forms = {form: new for path in hidden for form, new in _forms(path).items()}
    pattern = re.compile(f"(?:{'|'.join(map(re.escape, forms))})(?![A-Za-z0-9.-])") if forms else None
    cleaned: dict[str, Any] = mask_data(_clean(results, lambda text: _replace(text, pattern, forms)))
    return cleaned


def last_part(text: str) -> str:
    """Return an absolute path's last part (of ``/`` itself there is none); anything else as it is."""
    return (PurePath(text).name or text) if _is_path(text) else text


def _is_path(text: str) -> bool:
    return PurePath(text).is_absolute() or text.startswith("~")


def _paths(record: RunRecord) -> Iterator[str]:
    """Yield what of a record may be a path of this machine."""
    config = record.config
    yield from (config.model.name, config.evaluation.output_path, config.logging.log_dir)
    yield from (*config.evaluation.include_path, *config.evaluation.tasks)
    yield from (value for value in config.model.args.values() if isinstance(value, str))


def _forms(path: str) -> dict[str, str]:
    """Return the path, and what lm-eval makes of it for a file's name, each with what is published in its place."""
    name = PurePath(path).name
    return {path: name, re.sub(r"[\"<>:/|\\?*\[\]]+", "__", path): name}


def _replace(text: str, pattern: re.Pattern[str] | None, forms: dict[str, str]) -> str:
    return pattern.sub(lambda found: forms[found[0]], text) if pattern else text


def _clean(value: Any, replace: Callable[[str], str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _clean(part, replace, str(name)) for name, part in value.items()}
    if isinstance(value, list):
        return [_clean(part, replace, key) for part in value]
    if not isinstance(value, str):
        return value
    replaced = replace(value)
    is_whole_path = re.fullmatch(r"[/~][^\s{}]*/[^\s{}]+", replaced) and not _PROMPT_KEYS.search(key)
    return PurePath(replaced).name if is_whole_path else replaced
