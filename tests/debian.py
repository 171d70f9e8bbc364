"""Installs what the tests need of Debian, where that can be done."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

NEXT_RELEASE = {"bookworm": "trixie", "trixie": "forky"}


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


def unpack_newer(packages: Sequence[str], folder: Path) -> None:
    """Unpack packages of Debian's next release into a folder; this machine's own packages stay as they are.

    Raises:
        NotInstallable: with the reason.
    """
    here = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    if shutil.which("apt-get") is None or here not in NEXT_RELEASE:
        raise NotInstallable(f"{', '.join(packages)} of a newer Debian: this is not {' or '.join(NEXT_RELEASE)}")
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "sources.list").write_text(f"deb {_mirror(here)} {NEXT_RELEASE[here]} main\n")
    private = {"Dir::Etc::SourceList": "sources.list", "Dir::Etc::SourceParts": "-", "Dir::State::Lists": "lists"}
    options = [f"--option={name}={value if value == '-' else folder / value}" for name, value in private.items()]
    _run_apt([*options, "update"])
    _run_apt([*options, "download", *packages], cwd=folder)
    for archive in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", archive, folder], check=True)


def _mirror(release: str) -> str:
    """Where this machine gets its own packages from."""
    command = ["apt-get", "indextargets", "--format=$(REPO_URI)", "Created-By: Packages", f"Codename: {release}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    if not found:
        raise NotInstallable(f"apt has no lists of {release}")
    return found[0]


def _run_apt(command: list[str], cwd: Path | None = None) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-qq", *command]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstallable(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
