"""`benchy ls`: which runs are there, and how are they?"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchy.errors import ConfigError

if TYPE_CHECKING:
    from benchy.runs.listing import State

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
STATES: tuple[State, ...] = ("running", "published", "evaluated", "failed", "interrupted", "cut short")


def _time_span(_context: click.Context, _option: click.Parameter, value: str | None) -> timedelta | None:
    """Read ``30m``, ``5h``, ``2d``."""
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", value)
    if found is None:
        raise ConfigError(f'--since "{value}" is no time span', hint="write 30m, 5h or 2d")
    return timedelta(seconds=int(found[1]) * SECONDS[found[2]])


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("outputs"))
@click.option("--status", type=click.Choice(STATES), help="Only those.")
@click.option("--model", default="", help="Only those whose model's name holds this.")
@click.option("--since", callback=_time_span, help="Only those that began in the last 30m, 5h, 2d ...")
@click.option("--json", "as_data", is_flag=True, help="A JSON list, for programs.")
def ls(folder: Path, status: str | None, model: str, since: timedelta | None, as_data: bool) -> None:
    """List the runs in a folder, outputs if none is named; those that began last come first."""
    from benchy.display.runs import as_json, run_rows
    from benchy.display.terminal import print_table
    from benchy.plain_text import plain_line
    from benchy.record import now
    from benchy.runs.listing import ListedRun, Unreadable, list_runs

    found = list(list_runs(folder))
    for each in found:
        if isinstance(each, Unreadable):
            click.echo(
                f"⚠️ {plain_line(str(each.folder))}: its record cannot be read: {plain_line(each.reason)}", err=True
            )
    runs = [
        run
        for run in found
        if isinstance(run, ListedRun)
        and status in {None, run.state}
        and model.lower() in run.record.model_label.lower()
        and (since is None or run.record.started_at >= now() - since)
    ]
    if as_data:
        click.echo(json.dumps([as_json(run) for run in runs], indent=2))
    elif runs:
        print_table(run_rows(runs), title=f"Runs in {plain_line(str(folder))}")
    else:
        click.echo(f"no such runs in {plain_line(str(folder))}")
