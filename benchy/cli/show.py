"""`benchy show`: how did a run go, and what did the model answer?"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchy.errors import ConfigError

if TYPE_CHECKING:
    from benchy.record import BenchmarkResult
    from benchy.runs.listing import ListedRun


@click.command()
@click.argument("run")
@click.option("--samples", type=click.IntRange(min=1), help="Show so many documents of each benchmark.")
@click.option(
    "--wrong", is_flag=True, help="Show only documents with a score of 0; five of each benchmark if not said."
)
@click.option("--outputs", type=click.Path(path_type=Path), default=Path("outputs"), help="Where runs are looked for.")
def show(run: str, samples: int | None, wrong: bool, outputs: Path) -> None:
    """Show a run: what it is, its scores, what ended it; and single documents with the model's answers.

    RUN is a run's folder, its name, or a part of the name that no other run in the folder has.
    """
    from benchy.display.runs import run_lines
    from benchy.display.tables import score_rows, warning_lines
    from benchy.display.terminal import print_table
    from benchy.runs.listing import find_run

    found = find_run(run, outputs)
    for line in run_lines(found):
        click.echo(line)
    if found.record.evaluation is None:
        return
    click.echo()
    print_table(score_rows(found.record.evaluation), title="Scores")
    for line in warning_lines(found.record.evaluation.warnings):
        click.echo(line)
    if samples or wrong:
        for part in found.record.evaluation.benchmarks:
            _print_samples(found, part, samples or 5, wrong=wrong)


def _print_samples(run: ListedRun, part: BenchmarkResult, most: int, *, wrong: bool) -> None:
    from benchy.display.samples import sample_lines
    from benchy.plain_text import plain_line
    from benchy.results.conditions import headline
    from benchy.results.damage import damage_named
    from benchy.results.samples import read_samples

    path = run.folder / Path(part.samples_file or "-").name
    if not part.samples_file or not path.is_file():
        raise ConfigError(f"{part.name}: no samples are kept", hint="run it with evaluation.log_samples: true")
    metric = headline(part)
    click.echo(f"\n{plain_line(part.name)}")
    with damage_named(ConfigError, f"{path} holds no samples of lm-eval"):
        of_filter = (sample for sample in read_samples(path) if sample["filter"] == metric.filter)
        chosen = (sample for sample in of_filter if not wrong or sample.get(metric.name) == 0)
        for sample in itertools.islice(chosen, most):
            for line in sample_lines(sample, metric.name):
                click.echo(line)
