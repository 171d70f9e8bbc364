"""`benchy logs`: what does a run's log say?"""

from __future__ import annotations

import time
from pathlib import Path

import click

from benchy.errors import ConfigError

SECONDS_BETWEEN_LOOKS = 0.3


@click.command()
@click.argument("run")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--outputs", type=click.Path(path_type=Path), default=Path("outputs"), help="Where runs are looked for.")
def logs(run: str, follow: bool, outputs: Path) -> None:
    """Print the log of a run.

    RUN is a run's folder, its name, or a part of the name that no other run in the folder has.
    """
    from benchy.plain_text import plain_line
    from benchy.runs.folders import is_open, log_path
    from benchy.runs.listing import find_run

    found = find_run(run, outputs)
    path = log_path(found.record.config, found.record)
    if not path.is_file():
        raise ConfigError(f"the log {path} is not there", hint="its path is relative to where the run was started")
    with path.open(encoding="utf-8", errors="replace") as log:
        goes_on = True
        while goes_on:
            goes_on = follow and is_open(found.folder)
            for line in log:
                click.echo(plain_line(line.removesuffix("\n")))
            if goes_on:
                time.sleep(SECONDS_BETWEEN_LOOKS)
