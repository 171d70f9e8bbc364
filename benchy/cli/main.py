"""The command `benchy` as a whole: its group, and how every failure ends."""

from __future__ import annotations

import signal
import sys

import click

from benchy import __version__
from benchy.cli.check import check
from benchy.cli.model_test import test
from benchy.cli.run import run
from benchy.cli.serve import serve
from benchy.cli.upload import upload
from benchy.errors import BenchyError, ConfigError, Interrupted, as_benchy_error


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
        _exit_with(as_benchy_error(error))


def _exit_with(error: BenchyError) -> None:
    from benchy.display.terminal import print_error

    print_error(error)
    sys.stdout.flush()
    sys.exit(error.exit_code)


def _help_hint(error: click.UsageError) -> str:
    return f"see `{error.ctx.command_path} --help`" if error.ctx else "see `benchy --help`"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="benchy")
def cli() -> None:
    """Test, evaluate and publish language models: leaderboard scores that can be trusted."""


for command in (check, run, upload, serve, test):
    cli.add_command(command)
