"""A terminal, a pipe or a disk that takes no more decides neither whether nor how a command ends."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.commands import REPOSITORY, benchy_command, write_config


def exit_code(*arguments: object, stdout: int, stderr: int) -> int:
    return subprocess.run(
        benchy_command(*arguments), cwd=REPOSITORY, stdout=stdout, stderr=stderr, timeout=300, check=False
    ).returncode


@pytest.fixture(params=["full disk", "closed terminal", "closed pipe"])
def output(request: pytest.FixtureRequest) -> int:
    """Return a file descriptor that takes nothing."""
    match request.param:
        case "full disk":
            return os.open("/dev/full", os.O_WRONLY)
        case "closed terminal":
            controller, terminal = pty.openpty()
            os.close(controller)
            return terminal
        case _:
            reader, writer = os.pipe()
            os.close(reader)
            return writer


def test_the_exit_code_is_what_the_command_deserves(output: int, tmp_path: Path) -> None:
    """It was that of a bug, or 120 of a Python that could not flush."""
    try:
        config = write_config(tmp_path)
        assert exit_code("check", config, stdout=output, stderr=output) == 0
        config.write_text("model: {}")
        assert exit_code("check", config, stdout=output, stderr=output) == 2
    finally:
        os.close(output)
