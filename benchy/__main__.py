"""``python -m benchy`` is the command ``benchy``."""

from benchy.cli.main import main

main()
