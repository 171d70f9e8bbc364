"""`benchy upload`: publish a finished run again or later."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

LOG_FILE = "upload.log"
"""In the run's folder: where the record says that its log lies is not believed."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--to", help="The leaderboard: a folder or hf://datasets/ORG/NAME.")
@click.option("--wandb", help="A project at Weights & Biases: PROJECT or ENTITY/PROJECT.")
@click.option("--samples/--no-samples", default=True, help="Publish each document's prompt, answer and score too.")
@click.option("--scores/--no-scores", default=True, help="Publish each document's scores, without texts.")
@click.option("--model-card", is_flag=True, help="Also offer the scores to the model's own repository.")
@click.option("--token-env", default="HF_UPLOAD_TOKEN", show_default=True, help="The variable with the token.")
def upload(folder: Path, to: str | None, wandb: str | None, **options: Any) -> None:
    """Publish a finished run again or later.

    Where to is asked for: no path, address or variable that a record names is used.
    """
    from benchy.errors import ConfigError
    from benchy.results.finished import read_finished
    from benchy.runs.log import RunLog
    from benchy.runs.publishing import log_to_wandb, upload_config, upload_record, wandb_section
    from benchy.runtimes.choose import choose_runtime, load_runtime

    record = read_finished(folder)
    if to is None and wandb is None:
        raise ConfigError("no leaderboard is named", hint="say --to LEADERBOARD, or --wandb PROJECT")
    config = upload_config(record, to, **options)
    runtime = load_runtime(choose_runtime(config))
    with closing(RunLog(folder / LOG_FILE)) as log:
        if to is not None:
            uploaded = upload_record(record, folder, config, runtime, say=log.write, notify=lambda _event: None)
            already = " (it was there already)" if uploaded.already_there else ""
            click.echo(f"✅ Published {folder.name}{already}")
            print_uploaded(uploaded)
        if wandb is not None:
            section = wandb_section(record, wandb)
            shown = log_to_wandb(record, folder, config, section, runtime, say=log.write, notify=lambda _event: None)
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
