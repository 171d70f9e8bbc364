"""The two real images, built from ``Dockerfile.gpu`` with this machine's Debian as their base; no registry is asked.

The base and PostgreSQL's image have their names of the registry, so that every command is the one that users type.
The build takes two minutes on two cores, and is done once for the tests of the images and of Compose.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchy import __version__
from tests.commands import REPOSITORY
from tests.debian import NotInstallable, install_programs
from tests.engine import Engine, NoEngineHere

GPU_IMAGE = f"benchy-gpu:{__version__}"
ORCHESTRATOR_IMAGE = f"benchy-orchestrator:{__version__}"
REVISION = "the-revision-of-this-test"
PACKAGES = "python3,python3-venv,ca-certificates,postgresql"
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
BUILDING = pytest.mark.timeout(3000)
"""For each test with an image: the first one waits until it is built."""
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def _named_in(file: str, pattern: str) -> str:
    (name,) = re.findall(pattern, (REPOSITORY / file).read_text("utf-8"), re.MULTILINE)
    return str(name)


BASE_IMAGE = _named_in("Dockerfile.gpu", r"^ARG BASE_IMAGE=(\S+)")
POSTGRES_IMAGE = _named_in("docker-compose.yml", r"image: (postgres:\S+)")


@pytest.fixture(scope="session")
def base_image(engine: Engine) -> str:
    """Return a bare Debian with Python and PostgreSQL, and what pip needs of this machine.

    Certificates, folders of wheels.
    """
    try:
        _import_debian(engine)
    except NoEngineHere as reason:
        pytest.skip(f"no base for the images: {reason}")
    folders = [Path(folder) for folder in _wheel_folders()]
    lines = ["FROM benchy-tests:debian", f"COPY {CERTIFICATES.name} {CERTIFICATES}"]
    lines += [f"COPY wheels{number} {folder}" for number, folder in enumerate(folders)]
    lines += [f"ENV PIP_CERT={CERTIFICATES} PIP_FIND_LINKS='{' '.join(map(str, folders))}'"]
    context = engine.folder / "base"
    context.mkdir()
    for number, folder in enumerate(folders):
        shutil.copytree(folder, context / f"wheels{number}")
    shutil.copy(CERTIFICATES, context)
    (context / "Dockerfile").write_text("\n".join(lines))
    engine.client.images.build(path=str(context), tag=BASE_IMAGE, rm=True)
    return BASE_IMAGE


def _import_debian(engine: Engine) -> None:
    """Debian's packages, of the release that runs here.

    Raises:
        NoEngineHere: this is no Debian, or its packages cannot be had.
    """
    if platform.freedesktop_os_release().get("ID") != "debian":
        raise NoEngineHere("it is made of Debian's packages, and this is another system")
    try:
        install_programs(["mmdebstrap"], ["mmdebstrap"])
    except NotInstallable as reason:
        raise NoEngineHere(str(reason)) from reason
    archive = engine.folder / "debian.tar"
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    command = ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", *excluded, suite, str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoEngineHere(f"mmdebstrap failed: {done.stderr[-300:]}")
    engine.client.api.import_image_from_file(str(archive), repository="benchy-tests", tag="debian")
    archive.unlink()


def _wheel_folders() -> list[str]:
    """Where pip finds wheels on this machine, the one of torch for CPUs perhaps among them."""
    found = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    named = [line.partition("=")[2].strip("'\" ").split() for line in found.splitlines() if "find-links" in line]
    return sorted({folder for folders in named for folder in folders if Path(folder).is_dir()})


@pytest.fixture(scope="session")
def orchestrator_image(engine: Engine, base_image: str) -> str:
    """Return the target ``orchestrator``."""
    assert base_image
    return build(engine, ORCHESTRATOR_IMAGE, target="orchestrator")


@pytest.fixture(scope="session")
def gpu_image(engine: Engine, base_image: str, orchestrator_image: str) -> str:
    """Return the default target; the classic builder makes all before it, so that one goes first."""
    assert base_image
    assert orchestrator_image
    return build(engine, GPU_IMAGE, target=None)


@pytest.fixture(scope="session")
def postgres_image(engine: Engine, base_image: str) -> str:
    """Return what stands for the official one."""
    arguments = {"BASE_IMAGE": base_image}
    engine.client.images.build(
        path=str(REPOSITORY / "tests"),
        dockerfile="Dockerfile.postgres",
        tag=POSTGRES_IMAGE,
        buildargs=arguments,
        rm=True,
    )
    return POSTGRES_IMAGE


def build(engine: Engine, tag: str, *, target: str | None, context: Path = REPOSITORY) -> str:
    """Return what ``docker build -f Dockerfile.gpu`` does."""
    arguments = {"REVISION": REVISION}
    engine.client.images.build(
        path=str(context), dockerfile="Dockerfile.gpu", tag=tag, target=target, buildargs=arguments, rm=True
    )
    return tag
