"""`benchy run`: test, evaluate and publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchy.cli.options import config_argument, overrides
from benchy.cli.upload import print_uploaded, print_wandb


@click.command()
@config_argument
@overrides
@click.option("--resume", is_flag=True, help="Go on with the newest run of this config that was cut short.")
@click.option("--at-once", type=click.IntRange(min=1), default=1, show_default=True, help="Of a suite: how many runs.")
@click.option("--again", is_flag=True, help="Of a suite: also what is done already.")
def run(config: Path, resume: bool, at_once: int, again: bool, **changes: Any) -> None:
    """Test, evaluate and publish: the whole of a config, or of a suite of models and configs."""
    from benchy.cli.open_files import allow_open_files
    from benchy.cli.suites import refuse_changes, run_suite
    from benchy.config import with_overrides
    from benchy.config.suite import Suite, load_either
    from benchy.display.tables import warning_lines
    from benchy.display.terminal import shown_on_terminal
    from benchy.preflight.checks import preflight
    from benchy.runs.opening import open_run
    from benchy.runs.signals import end_with_parent
    from benchy.runtimes.choose import choose_runtime

    end_with_parent()
    allow_open_files()
    loaded = load_either(config)
    if isinstance(loaded, Suite):
        refuse_changes(config, changes)
        run_suite(loaded.with_limit(changes["limit"]), config, at_once=at_once, again=again)
        return
    checked = with_overrides(loaded, **changes)
    runtime = choose_runtime(checked)
    facts = preflight(checked, runtime=runtime)
    for line in warning_lines(facts.warnings):
        click.echo(line, err=True)
    with open_run(checked, facts, runtime=runtime, resume=resume) as opened, shown_on_terminal(opened):
        if opened.record.evaluation is None:
            opened.start_worker_early()  # it imports torch and fetches the model while Prefect starts
        _run_flow(opened, config, changes)
    _print_results(opened)


def _run_flow(opened: Any, config: Path, changes: dict[str, Any]) -> None:
    """Prefect's own lines go to its API; the terminal shows the run's log."""
    from flows.settings import set_prefect_defaults

    set_prefect_defaults(PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL="CRITICAL")
    from flows.running import run_flow

    run_flow(opened, str(config), changes)


def _print_results(opened: Any) -> None:
    from benchy.display.tables import gpu_rows, model_test_block, score_rows, seconds_rows, warning_lines
    from benchy.display.terminal import print_table
    from benchy.runs.publishing import wandb_project

    record = opened.record
    click.echo(model_test_block(record.model_label, record.model_test))
    click.echo()
    print_table(score_rows(record.evaluation), title="Scores")
    for line in warning_lines(record.evaluation.warnings):
        click.echo(line)
    click.echo()
    print_table(seconds_rows(record.evaluation), title="Seconds")
    click.echo()
    if rows := gpu_rows(record):
        print_table(rows, title="GPU use")
        click.echo()
    click.echo(f"Record:      {opened.folder}/record.json")
    click.echo(f"Log:         {record.log_file}")
    if record.uploaded:
        print_uploaded(record.uploaded)
    else:
        click.echo(
            f"Not published: no upload.to in the config; `benchy upload {opened.folder} --to LEADERBOARD` does it"
        )
    if record.wandb:
        print_wandb(record.wandb)
    elif record.config.wandb:
        again = f"benchy upload {opened.folder} --wandb {wandb_project(record.config.wandb)}"
        click.echo(f"⚠️ Not at Weights & Biases, the log says why; `{again}` tries again", err=True)
