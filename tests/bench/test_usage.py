"""A command is measured with all that it starts, also with what outlives it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bench.usage import measure
from tests.commands import REPOSITORY

LEAVES_A_CHILD = """
import os, time
if os.fork() == 0:
    os.setsid()
    while time.process_time() < 0.5:
        pass
"""
HOLDS_100_MB = "import time; held = b'x' * 100_000_000; time.sleep(0.5)"


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(REPOSITORY)}


def test_the_seconds_of_a_child_that_was_left_behind_count(tmp_path: Path) -> None:
    usage = measure([sys.executable, "-c", LEAVES_A_CHILD], env=environment(), log=tmp_path / "log")
    assert usage.exit_code == 0
    assert usage.cpu_seconds > 0.5


def test_memory_is_that_of_the_tree(tmp_path: Path) -> None:
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDS_100_MB!r}])"
    usage = measure([sys.executable, "-c", nested], env=environment(), log=tmp_path / "log", memory=True)
    assert 100_000_000 < usage.peak_bytes < 200_000_000


def test_the_exit_code_and_the_output_are_the_commands_own(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('said'); sys.exit(3)"]
    assert measure(command, env=environment(), log=tmp_path / "log").exit_code == 3
    assert (tmp_path / "log").read_text() == "said\n"
