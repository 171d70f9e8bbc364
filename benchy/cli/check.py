"""`benchy check`: check a config, start nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchy.cli.options import config_argument, overrides


@click.command()
@config_argument
@overrides
@click.option("--gpu-memory", help="Memory of each GPU, on paper: 80GB.")
def check(config: Path, gpu_memory: str | None, **changes: Any) -> None:
    """Check a config; start nothing."""
    from benchy.checkpoint.files import source_of
    from benchy.checkpoint.memory import parse_memory
    from benchy.config import load_config, with_overrides
    from benchy.display.tables import facts_lines
    from benchy.preflight.checks import preflight
    from benchy.record import with_source

    checked = with_overrides(load_config(config), **changes)
    facts = preflight(checked, gpu_memory=parse_memory(gpu_memory) if gpu_memory else None)
    model = with_source(checked.model.name, source_of(checked.model))
    click.echo(f"✅ {config}: {model} on {', '.join(checked.evaluation.tasks)}")
    for line in facts_lines(facts):
        click.echo(f"   {line}")
