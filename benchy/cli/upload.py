"""`benchy upload`: publish a finished run again or later."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--to", help="A folder or hf://datasets/ORG/NAME; the config's own if not given.")
def upload(folder: Path, to: str | None) -> None:
    """Publish a finished run again or later."""
    from benchy.config import upload_section
    from benchy.results.finished import read_finished
    from benchy.runs.log import RunLog
    from benchy.runs.publishing import log_to_wandb, upload_record

    record = read_finished(folder)
    config = record.config
    with closing(RunLog(Path(record.log_file))) as log:
        if to or config.upload or not config.wandb:
            section = upload_section(config, to)
            uploaded = upload_record(folder, config, section, say=log.write, notify=lambda _event: None)
            already = " (it was there already)" if uploaded.already_there else ""
            click.echo(f"✅ Published {folder.name}{already}")
            print_uploaded(uploaded)
        if config.wandb and not to:
            shown = log_to_wandb(folder, config, config.wandb, say=log.write, notify=lambda _event: None)
            click.echo(f"✅ {folder.name} is at Weights & Biases")
            print_wandb(shown)


def print_uploaded(uploaded: Any) -> None:
    """Print where a run was published."""
    click.echo(f"Leaderboard: {uploaded.url}")
    if uploaded.pull_request:
        click.echo(f"Model card:  {uploaded.pull_request}")


def print_wandb(shown: Any) -> None:
    """Print where Weights & Biases shows a run."""
    click.echo(f"W&B:         {shown.url or f'offline; `wandb sync {shown.folder}` sends it'}")
