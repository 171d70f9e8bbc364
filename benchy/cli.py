"""The command ``benchy``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from benchy import __version__
from benchy.errors import BenchyError, ConfigError, Interrupted

# Read by Prefect when it is imported, which is later, inside the commands that need it.
PREFECT_DEFAULTS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_RUNNER_POLL_FREQUENCY": "2",
    "PREFECT_CLIENT_MAX_RETRIES": "8",  # after 2, 4, 8, ... s: eight minutes of patience with a server that is away
}


def main() -> None:
    """Run the command line; every failure is one line and an exit code."""
    for ends in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ends) != signal.SIG_IGN:  # as under nohup
            signal.signal(ends, signal.default_int_handler)  # told to end, it cleans up as after Ctrl-C
    try:
        cli(standalone_mode=False)
    except BenchyError as error:
        _exit_with(error)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        _exit_with(ConfigError(error.format_message(), hint=_help_hint(error)))
    except (KeyboardInterrupt, click.Abort):
        _exit_with(Interrupted("interrupted before a run began"))
    except Exception as error:  # noqa: BLE001 - the one catch-all at this edge
        from benchy.run import as_benchy_error

        _exit_with(as_benchy_error(error))


def _exit_with(error: BenchyError) -> None:
    from benchy.terminal import print_error

    print_error(error)
    sys.stdout.flush()
    sys.exit(error.exit_code)


def _help_hint(error: click.UsageError) -> str:
    return f"see `{error.ctx.command_path} --help`" if error.ctx else "see `benchy --help`"


def _gpu_list(_context: click.Context, _option: click.Parameter, value: str | None) -> list[int | str] | None:
    """``0,1`` or ``GPU-8f2c...``."""
    if value is None:
        return None
    return [int(part) if part.isdigit() else part for part in value.split(",") if part]


def overrides(command: Callable[..., None]) -> Callable[..., None]:
    """The options that change what a config says, the same for each command that takes one."""
    for option in (
        click.option("--model", help="Another model than the config's."),
        click.option("--gpus", callback=_gpu_list, help="Indices or UUIDs of the GPUs, e.g. 0,1."),
        click.option("--tasks", help="Other benchmarks, with commas between."),
        click.option("--limit", type=float, help="Only so many documents of each benchmark; marks the run as a test."),
    ):
        command = option(command)
    return command


config_argument = click.argument("config", type=click.Path(path_type=Path))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="benchy")
def cli() -> None:
    """Test, evaluate and publish language models: leaderboard scores that can be trusted."""


@cli.command()
@config_argument
@overrides
@click.option("--gpu-memory", help="Memory of each GPU, on paper: 80GB.")
def check(config: Path, gpu_memory: str | None, **changes: Any) -> None:
    """Check a config; start nothing."""
    from benchy.config import load_config
    from benchy.memory import parse_memory
    from benchy.preflight import preflight
    from benchy.report import facts_lines

    checked = load_config(config).with_overrides(**changes)
    facts = preflight(checked, gpu_memory=parse_memory(gpu_memory) if gpu_memory else None)
    click.echo(f"✅ {config}: {checked.model.name} on {', '.join(checked.evaluation.tasks)}")
    for line in facts_lines(facts):
        click.echo(f"   {line}")


@cli.command()
@config_argument
@overrides
@click.option("--resume", is_flag=True, help="Go on with the newest run of this config that was cut short.")
def run(config: Path, resume: bool, **changes: Any) -> None:
    """Test, evaluate and publish: the whole of a config."""
    from benchy.config import load_config
    from benchy.preflight import preflight
    from benchy.run import open_run
    from benchy.terminal import shown_on_terminal

    checked = load_config(config).with_overrides(**changes)
    facts = preflight(checked)
    for warning in facts.warnings:
        click.echo(f"⚠️ {warning}", err=True)
    with open_run(checked, facts, resume=resume) as opened, shown_on_terminal(opened):
        opened.start_worker_early()  # it imports torch and fetches the model while Prefect starts
        _run_flow(config, changes, log=opened.log.path)
    _print_results(opened)


def _run_flow(config: Path, changes: dict[str, Any], *, log: Path) -> None:
    """Prefect's own lines go to its API; the terminal shows the run's log."""
    _set_prefect_defaults(PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL="CRITICAL")
    from flows.running import run_flow

    run_flow(str(config), changes, log=log)


def _set_prefect_defaults(**more: str) -> None:
    for name, value in (PREFECT_DEFAULTS | more).items():
        os.environ.setdefault(name, value)


def _print_results(opened: Any) -> None:
    from benchy.report import gpu_rows, model_test_block, score_rows, seconds_rows
    from benchy.terminal import print_table

    record = opened.record
    click.echo(model_test_block(record.config.model.name, record.model_test))
    click.echo()
    print_table(score_rows(record.evaluation), title="Scores")
    click.echo()
    print_table(seconds_rows(record.evaluation), title="Seconds")
    click.echo()
    if rows := gpu_rows(record):
        print_table(rows, title="GPU use")
        click.echo()
    click.echo(f"Record:      {opened.folder}/record.json")
    click.echo(f"Log:         {record.log_file}")
    if record.uploaded:
        _print_uploaded(record.uploaded)
    else:
        click.echo(
            f"Not published: no upload.to in the config; `benchy upload {opened.folder} --to LEADERBOARD` does it"
        )
    if record.wandb:
        _print_wandb(record.wandb)
    elif record.config.wandb:
        click.echo(
            f"⚠️ Not at Weights & Biases, the log says why; `benchy upload {opened.folder}` tries again", err=True
        )


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--to", help="A folder or hf://datasets/ORG/NAME; the config's own if not given.")
def upload(folder: Path, to: str | None) -> None:
    """Publish a finished run again or later."""
    from benchy.leaderboard.publication import read_finished
    from benchy.logs import RunLog
    from benchy.publishing import log_to_wandb, upload_record

    record = read_finished(folder)
    config = record.config
    with closing(RunLog(Path(record.log_file))) as log:
        if to or config.upload or not config.wandb:
            section = config.with_upload_to(to)
            uploaded = upload_record(folder, config, section, say=log.write, notify=lambda _event: None)
            already = " (it was there already)" if uploaded.already_there else ""
            click.echo(f"✅ Published {folder.name}{already}")
            _print_uploaded(uploaded)
        if config.wandb and not to:
            shown = log_to_wandb(folder, config, config.wandb, say=log.write, notify=lambda _event: None)
            click.echo(f"✅ {folder.name} is at Weights & Biases")
            _print_wandb(shown)


def _print_uploaded(uploaded: Any) -> None:
    click.echo(f"Leaderboard: {uploaded.url}")
    if uploaded.pull_request:
        click.echo(f"Model card:  {uploaded.pull_request}")


def _print_wandb(shown: Any) -> None:
    click.echo(f"W&B:         {shown.url or f'offline; `wandb sync {shown.folder}` sends it'}")


@cli.command()
@click.argument("configs", type=click.Path(path_type=Path), default=Path("configs"))
def serve(configs: Path) -> None:
    """Serve each YAML file of a folder as a deployment.

    Its name is `benchy/<the file's>`; the runs that are asked for there run here, one at a time.
    """
    from benchy.config import load_config

    files = sorted(configs.glob("*.yaml"))
    if not files:
        raise ConfigError(f'no *.yaml in "{configs}"', hint="name the folder of your configs")
    for file in files:
        load_config(file)
    _set_prefect_defaults()
    from flows.servers import require_server
    from flows.serving import serve_deployments

    require_server()
    click.echo(f"Serving {', '.join(f'benchy/{file.stem}' for file in files)}")
    serve_deployments(files)


@cli.command()
@click.option("--model_name", "--model-name", required=True, help="A repository on the Hub or a folder.")
@click.option("--model_args", "--model-args", default="", help="lm-eval's: pretrained=...,dtype=float16")
@click.option("--backend", default="hf", help="lm-eval's model type.")
@click.option("--device", default="cuda", show_default=True)
@click.option("--use_accelerate", "--use-accelerate", is_flag=True)
@click.option("--num_gpus", "--num-gpus", type=click.IntRange(min=1))
@click.option("--mixed_precision", "--mixed-precision", type=click.Choice(["no", "fp16", "bf16", "fp8"]), default="no")
def test(**options: Any) -> None:
    """Run the model test alone, for debugging: no YAML, no Prefect."""
    from benchy.model_test_command import test_model

    test_model(**options)
