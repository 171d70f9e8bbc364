"""What `benchy check` and `benchy run` do with a suite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchy.errors import ConfigError, SuiteIncomplete

if TYPE_CHECKING:
    from benchy.config.suite import Suite

FOLDER = "suites"
"""Below evaluation.output_path: the configs and outputs of the runs of suites."""


def refuse_changes(path: Path, changes: dict[str, Any]) -> None:
    """Refuse options that are for one config.

    Raises:
        ConfigError: one was given.
    """
    if given := [name for name, value in changes.items() if value and name != "limit"]:
        raise ConfigError(f"{path} is a suite, for which --{given[0].replace('_', '-')} is not", hint="edit the file")


def check_suite(suite: Suite) -> None:
    """Print the plan of a suite, and all that is wrong with it."""
    from benchy.display.suite import plan_line, plan_rows
    from benchy.display.terminal import print_table
    from benchy.runs.suite import plan

    planned = list(plan(suite))
    print_table(plan_rows(planned), title=f"Suite {suite.name}")
    click.echo(plan_line(planned))
    if errors := list({each.error.message: each.error for each in planned if each.error is not None}.values()):
        for error in errors[1:]:
            errors[0].add_problem(error)
        raise errors[0]


def run_suite(suite: Suite, path: Path, *, at_once: int, again: bool) -> None:
    """Run what of a suite is not done; one run that fails stops no other."""
    from benchy.display.suite import ended_line, plan_line, suite_rows
    from benchy.display.terminal import print_table
    from benchy.plain_text import plain_line
    from benchy.runs.suite import plan, run_cells

    planned = list(plan(suite, again=again))
    click.echo(f"Suite {suite.name}, {plan_line(planned)}", err=True)
    folder = Path(suite.cells[0].config.evaluation.output_path) / FOLDER / suite.name
    ended = []
    for each in run_cells(
        planned, folder, at_once=at_once, say=lambda line: click.echo(f"▶ {plain_line(line)}", err=True)
    ):
        click.echo(ended_line(each), err=True)
        ended.append(each)
    ended.sort(key=lambda each: suite.cells.index(each.cell))
    print_table(suite_rows(ended), title=f"Suite {suite.name}")
    if missing := sum(each.run is None for each in ended):
        raise SuiteIncomplete(
            f"{missing} of {len(ended)} cells are not there",
            hint=f"mend what is named above; `benchy run {path}` goes on",
        )
