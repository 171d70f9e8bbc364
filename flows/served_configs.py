"""Which files a run may read that was asked for through Prefect's API: those that the service serves, and no others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from benchy.benchmarks.own_files import SUFFIXES
from benchy.errors import ConfigError

SERVED_CONFIGS = "BENCHY_SERVED_CONFIGS"
"""The variable by which the service tells its flow runs the folder that it serves."""


def require_served(config: str, tasks: str | Sequence[str] | None) -> None:
    """Check that a run of a service reads what its operator put there; does nothing outside of a service.

    Raises:
        ConfigError: the config lies elsewhere, or a benchmark is named as a file.
    """
    served = os.environ.get(SERVED_CONFIGS)
    if served is None:
        return
    path = Path(os.path.abspath(config))  # noqa: PTH100 - without following links, which are the operator's
    if path.parent != Path(served) or path.suffix not in {".yaml", ".yml"}:
        raise ConfigError(f'"{config}" is none of the configs that this service serves', hint=f"put it into {served}")
    names = tasks.split(",") if isinstance(tasks, str) else tasks or ()
    if files := [name for name in names if _may_be_file(name.strip())]:
        raise ConfigError(
            f'"{files[0]}" is a file, and this service takes names of benchmarks', hint="name it in a config"
        )


def _may_be_file(name: str) -> bool:
    """Tell whether `own_files` could find a file by it: a benchmark's template is a program of its author."""
    return "/" in name or name.endswith(SUFFIXES) or (name != "" and Path(name).exists())
