"""``python -m benchy`` is the command ``benchy``."""

from benchy.cli import main

main()
