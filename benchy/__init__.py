"""Benchy: leaderboard scores that can be trusted."""

__version__ = "0.2.0"
