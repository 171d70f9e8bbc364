"""Runtimes: where a GPU worker runs, and how the host talks to it."""
