"""Installs what the tests need of Debian, where that can be done."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock


class NotInstallable(Exception):
    """Why programs cannot be had on this machine."""


def install_programs(programs: Sequence[str], packages: Sequence[str]) -> None:
    """Install packages, unless the programs that they hold are here.

    Raises:
        NotInstallable: with the reason.
    """
    with FileLock(Path(tempfile.gettempdir()) / "benchy-tests-apt.lock"):  # apt refuses a second one at the same time
        if all(map(shutil.which, programs)):
            return
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise NotInstallable(f"no {', '.join(programs)} here, and only root with apt-get can install them")
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            _run_apt(command)


def _run_apt(command: list[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["apt-get", "-qq", *command], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstallable(f"apt-get {command[0]} failed: {done.stderr.strip()[-300:]}")
