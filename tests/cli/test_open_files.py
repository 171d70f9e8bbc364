"""A host that lets a process have too few files open is named before anything starts."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from tests.commands import REPOSITORY, assert_refused, benchy_command, write_config


def test_sixteen_open_files_are_too_few_and_named(tmp_path: Path) -> None:
    """It was six tracebacks."""
    command = shlex.join(benchy_command("run", write_config(tmp_path)))
    shell = ["bash", "-c", f"ulimit -n 16; {command}"]
    done = subprocess.run(shell, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert_refused(done, 2, "ConfigError", "16 files open at once", "`ulimit -n 1024`")
