"""The command `benchy` as a whole: its group, and how every failure ends."""

from __future__ import annotations

import signal
import sys

import click

from benchy import __version__
from benchy.cli.check import check
from benchy.cli.compare import compare
from benchy.cli.demo import demo
from benchy.cli.environment import check_environment
from benchy.cli.gate import gate
from benchy.cli.init import init
from benchy.cli.logs import logs
from benchy.cli.ls import ls
from benchy.cli.model_test import test
from benchy.cli.power import power
from benchy.cli.run import run
from benchy.cli.schema import schema
from benchy.cli.serve import serve
from benchy.cli.show import show
from benchy.cli.tasks import tasks
from benchy.cli.upload import upload
from benchy.cli.verify import verify
from benchy.display.outputs import end_within, outlive_outputs
from benchy.errors import BenchyError, ConfigError, Interrupted, as_benchy_error

SECONDS_FOR_THREADS = 3.0
"""After the command: a thread of a library's that still waits for a server by then ends with the process."""


def main() -> None:
    """Run the command line; every failure is one line and an exit code."""
    for ends in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ends) != signal.SIG_IGN:  # as under nohup
            signal.signal(ends, signal.default_int_handler)  # told to end, it cleans up as after Ctrl-C
    outlive_outputs()
    code = run_command()
    end_within(SECONDS_FOR_THREADS, code)
    sys.exit(code)


def run_command() -> int:
    """Return the command's exit code; a failure is said."""
    try:
        check_environment()
        ended = cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one catch-all at this edge
        from benchy.display.terminal import print_error

        named = _named(error)
        print_error(named)
        return named.exit_code
    return ended if isinstance(ended, int) else 0  # that of a command that ended with a code of its own


def _named(error: BaseException) -> BenchyError:
    if isinstance(error, click.UsageError):
        return ConfigError(error.format_message(), hint=_help_hint(error))
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Interrupted("interrupted before a run began")
    return as_benchy_error(error)


def _help_hint(error: click.UsageError) -> str:
    return f"see `{error.ctx.command_path} --help`" if error.ctx else "see `benchy --help`"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="benchy")
def cli() -> None:
    """Test, evaluate and publish language models: leaderboard scores that can be trusted."""


COMMANDS = (
    demo, init, tasks, check, run, ls, show, logs, compare, gate, power, upload, verify, serve, test, schema,
)  # fmt: skip
for command in COMMANDS:
    cli.add_command(command)
