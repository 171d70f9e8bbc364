"""Which YAML files of a folder can be served as deployments, and why the others cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from benchy.config.loading import load_config
from benchy.errors import ConfigError

_BANNED = re.compile(r"[/%&<>]")
"""Prefect takes these in no name of a deployment."""


@dataclass(frozen=True)
class ServedFiles:
    """The files of a folder as they are now."""

    configs: dict[str, Path]
    """By the name of their deployment."""
    refused: dict[Path, str]
    """What is wrong with each of the others."""


def look_into(folder: Path) -> ServedFiles:
    """Read all `*.yaml` and `*.yml`; an editor's hidden files and folders are none.

    Raises:
        ConfigError: there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError(f'no folder "{folder}"', hint="name the folder of your configs")
    found = ServedFiles({}, {})
    for path in sorted(folder.iterdir()):
        if path.suffix not in {".yaml", ".yml"} or path.name.startswith(".") or not path.is_file():
            continue
        if problem := _problem(path, found.configs):
            found.refused[path] = problem
        else:
            found.configs[path.stem] = path
    return found


def _problem(path: Path, configs: dict[str, Path]) -> str | None:
    if banned := _BANNED.search(path.stem):
        return f'{path}: a deployment\'s name may not hold "{banned[0]}"; rename the file'
    if path.stem in configs:
        return f"{path}: {configs[path.stem].name} has its name already; rename one"
    try:
        load_config(path)
    except ConfigError as error:
        return error.message
    return None
