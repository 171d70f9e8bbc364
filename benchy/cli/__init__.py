"""The command `benchy`: one file a command."""

from benchy.cli.main import main

__all__ = ["main"]
