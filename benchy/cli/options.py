"""Options and arguments that several commands take."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import click


def _gpu_list(_context: click.Context, _option: click.Parameter, value: str | None) -> list[int | str] | None:
    """``0,1`` or ``GPU-8f2c...``."""
    if value is None:
        return None
    return [int(part) if re.fullmatch(r"[0-9]{1,9}", part) else part for part in value.split(",") if part]


def overrides(command: Callable[..., None]) -> Callable[..., None]:
    """Return the options that change what a config says, the same for each command that takes one."""
    for option in (
        click.option("--model", help="Another model than the config's."),
        click.option("--gpus", callback=_gpu_list, help="Indices or UUIDs of the GPUs, e.g. 0,1."),
        click.option("--tasks", help="Other benchmarks, with commas between."),
        click.option("--limit", type=float, help="Only so many documents of each benchmark; marks the run as a test."),
    ):
        command = option(command)
    return command


def _config_file(_context: click.Context, _argument: click.Parameter, value: Path) -> Path:
    """Return a file, or the name of one in ``configs``: `benchy run demo`, as a deployment is called there."""
    named = Path("configs") / f"{value}.yaml"
    return named if not value.exists() and len(value.parts) == 1 and named.is_file() else value


config_argument = click.argument("config", type=click.Path(path_type=Path), callback=_config_file)
"""A YAML file, or the name of one in ``configs``."""
