"""`benchy check`: check a config, start nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchy.cli.options import config_argument, overrides

if TYPE_CHECKING:
    from benchy.config import BenchmarkConfig
    from benchy.record import Facts

LINES_OF_THE_DEAD = 20
"""Of a worker's log, where it died."""


@click.command()
@config_argument
@overrides
@click.option("--gpu-memory", help="Memory of each GPU, on paper: 80GB.")
@click.option("--build", is_flag=True, help="Fetch the benchmarks' data too, and build all that will be asked.")
def check(config: Path, gpu_memory: str | None, build: bool, **changes: Any) -> None:
    """Check a config, or each cell of a suite; start nothing.

    With --build the benchmarks are built to their last prompt: the data are fetched, and of the model its tokenizer.
    """
    from benchy.checkpoint.files import source_of
    from benchy.checkpoint.memory import parse_memory
    from benchy.cli.suites import check_suite, refuse_changes
    from benchy.config import with_overrides
    from benchy.config.suite import Suite, load_either
    from benchy.display.tables import facts_lines
    from benchy.preflight.checks import preflight
    from benchy.record import with_source

    loaded = load_either(config)
    if isinstance(loaded, Suite):
        refuse_changes(config, {"gpu_memory": gpu_memory, "build": build, **changes})
        check_suite(loaded.with_limit(changes["limit"]))
        return
    checked = with_overrides(loaded, **changes)
    facts = preflight(checked, gpu_memory=parse_memory(gpu_memory) if gpu_memory else None)
    model = with_source(checked.model.name, source_of(checked.model))
    click.echo(f"✅ {config}: {model} on {', '.join(checked.evaluation.tasks)}")
    for line in facts_lines(facts):
        click.echo(f"   {line}")
    if build:
        for line in _build(checked, facts):
            click.echo(line)


def _build(config: BenchmarkConfig, facts: Facts) -> Iterator[str]:
    """Build the benchmarks; what a worker said before it died goes to stderr."""
    from benchy.display.built import built_lines
    from benchy.display.terminal import progress_on_terminal
    from benchy.errors import WorkerDied
    from benchy.runs.building import build_benchmarks

    log: list[str] = []
    try:
        with progress_on_terminal() as notify:
            built = build_benchmarks(config, facts, say=log.extend, notify=notify)
    except WorkerDied:
        click.echo("\n".join(log[-LINES_OF_THE_DEAD:]), err=True)
        raise
    return built_lines(built)
