"""A real Docker engine for the tests, with two fake GPUs: started here, stopped at the end."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
import requests
from docker.errors import APIError, DockerException
from filelock import FileLock

from benchy.runtimes.docker.options import WORKER_UID
from tests.commands import REPOSITORY
from tests.debian import NotInstallable, install_programs
from tests.worker.tiny import FORWARD_LOG

PROGRAMS = ("dockerd", "iptables", "ip", "nsenter")
PACKAGES = ("docker.io", "iptables", "iproute2", "util-linux")
SECONDS_TO_START = 60
TRIES = 4


class NoEngineHere(Exception):
    """Why no engine can be had on this machine."""


@dataclass
class Engine:
    """A running engine."""

    folder: Path
    process: subprocess.Popen[bytes]
    client: docker.DockerClient
    gateway: str
    """This machine's address as containers see it."""
    other_address: str
    """Another one, for what must look like another host."""

    @property
    def address(self) -> str:
        """What ``DOCKER_HOST`` is set to."""
        return f"unix://{self.folder}/docker.sock"

    def hold_memory(self, **held: tuple[int, str, int]) -> None:
        """Let a process (pid, name, MiB) hold memory of a fake GPU: ``gpu1=(4242, "python", 2000)``."""
        by_index = {name.removeprefix("gpu"): process for name, process in held.items()}
        (self.folder / "held.json").write_text(json.dumps(by_index))

    def fail_driver(self, said: str) -> None:
        """Let ``nvidia-smi`` in a container fail with these words; :meth:`hold_memory` mends it."""
        (self.folder / "held.json").write_text(json.dumps({"failure": said}))

    def containers(self) -> list[str]:
        """Return the ids of all containers, whatever their state."""
        return [container["Id"] for container in self.client.api.containers(all=True)]

    def is_empty_within(self, seconds: float) -> bool:
        """Whether no container is left, at the latest after so long."""
        deadline = time.monotonic() + seconds
        while self.containers() and time.monotonic() < deadline:
            time.sleep(0.1)
        return not self.containers()


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Provide the engine of this session; skips, with the reason, where none can be had."""
    try:
        stack = ExitStack()
        started = stack.enter_context(running_engine())
    except NoEngineHere as reason:
        pytest.skip(f"no Docker engine for the tests: {reason}")
    with stack:
        yield started


@pytest.fixture
def docker_host(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Provide the engine where ``DOCKER_HOST`` says, as it is for a user; nothing is left in it afterwards."""
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    monkeypatch.setenv("HF_ENDPOINT", f"http://{engine.gateway}:9")
    yield engine
    engine.hold_memory()
    while containers := engine.client.containers.list(all=True, ignore_removed=True):
        for container in containers:
            with suppress(APIError):  # it is being removed already
                container.remove(force=True)


@pytest.fixture(scope="session")
def worker_image(engine: Engine) -> str:
    """Return the tag of a small image in which this Python runs; its packages come in by :func:`host_volumes`."""
    return import_worker_image(engine)


def import_worker_image(engine: Engine) -> str:
    """Make that image in an engine."""
    engine.client.api.import_image_from_data(_image_archive(), repository="benchy-tests", tag="plain")
    variables = {
        "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        FORWARD_LOG: "/forward/log",
    }
    lines = ["FROM benchy-tests:plain", *(f"ENV {name}={value}" for name, value in variables.items())]
    tag = "benchy-tests:worker"
    engine.client.images.build(fileobj=io.BytesIO("\n".join(lines).encode()), tag=tag, rm=True)
    return tag


def host_volumes() -> list[str]:
    """Return what the image needs of this machine, read-only: the interpreter, its packages, the checkout."""
    folders = {sys.base_prefix, sys.prefix, str(REPOSITORY)}
    return [f"{folder}:{folder}:ro" for folder in sorted(folders)]


@contextmanager
def running_engine(
    *, gpus: bool = True, programs: Sequence[Path] = (), settings: Mapping[str, object] | None = None
) -> Iterator[Engine]:
    """Start ``dockerd`` apart from any other engine on this machine, and stop it.

    Args:
        gpus: whether it has the two fake ones.
        programs: where its programs are looked for before PATH.
        settings: its daemon.json.

    Raises:
        NoEngineHere: with the reason.
    """
    _require_programs()
    folder = Path(tempfile.mkdtemp(prefix="benchy-engine-", dir="/tmp"))  # short: it holds a socket
    (folder / "held.json").write_text("{}")
    (folder / "daemon.json").write_text(json.dumps(settings or {}))
    if gpus:
        install_hook(folder / "nvidia-container-runtime-hook")
    with _bridge() as (bridge, gateway, other_address):
        with FileLock(Path(tempfile.gettempdir()) / "benchy-tests-engine.lock"):
            process, client = _start_surely(folder, bridge, [folder, *programs])
        try:
            yield Engine(folder, process, client, gateway, other_address)
            client.close()
        finally:
            _stop(process, folder)


def install_hook(path: Path) -> None:
    """Make the fake GPUs' hook a program."""
    path.write_text(f"#!{sys.executable}\n" + (REPOSITORY / "tests" / "fake_gpu_hook.py").read_text())
    path.chmod(0o755)


def _require_programs() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NoEngineHere("dockerd needs Linux and root")
    try:
        install_programs(PROGRAMS, PACKAGES)
    except NotInstallable as reason:
        raise NoEngineHere(str(reason)) from reason


@contextmanager
def _bridge() -> Iterator[tuple[str, str, str]]:
    """Provide a network bridge of our own: two engines that share one break each other's network."""
    name = f"by{uuid.uuid4().hex[:8]}"
    number = uuid.uuid4().int % 250
    gateway, other_address = f"10.213.{number}.1", f"10.214.{number}.1"
    for command in (
        ["link", "add", "name", name, "type", "bridge"],
        ["addr", "add", f"{gateway}/24", "dev", name],
        ["addr", "add", f"{other_address}/32", "dev", name],
        ["link", "set", name, "up"],
    ):
        done = subprocess.run(["ip", *command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoEngineHere(f"ip {' '.join(command)}: {done.stderr.strip()}")
    try:
        yield name, gateway, other_address
    finally:
        subprocess.run(["ip", "link", "delete", name], check=False)


def _start_surely(
    folder: Path, bridge: str, programs: Sequence[Path], *, tries: int = TRIES
) -> tuple[subprocess.Popen[bytes], docker.DockerClient]:
    """Try more than once: whoever changes iptables at the same moment makes ``dockerd`` fail at its start."""
    process = _start_dockerd(folder, bridge, programs)
    try:
        return process, _wait_for(process, folder)
    except NoEngineHere:
        process.kill()
        process.wait()
        if tries == 1:
            raise
    time.sleep(2)
    return _start_surely(folder, bridge, programs, tries=tries - 1)


def _start_dockerd(folder: Path, bridge: str, programs: Sequence[Path]) -> subprocess.Popen[bytes]:
    options = {
        "data-root": folder / "data",
        "exec-root": folder / "exec",
        "pidfile": folder / "dockerd.pid",
        "host": f"unix://{folder}/docker.sock",
        "bridge": bridge,
        "config-file": folder / "daemon.json",
    }
    path = ":".join([*map(str, programs), os.environ["PATH"]])
    with (folder / "dockerd.log").open("wb") as log:
        return subprocess.Popen(
            ["dockerd", *(f"--{name}={value}" for name, value in options.items())],
            env=os.environ | {"PATH": path, "FAKE_GPUS_HELD": str(folder / "held.json")},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_for(process: subprocess.Popen[bytes], folder: Path) -> docker.DockerClient:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        if not (folder / "docker.sock").exists():  # the SDK leaks the socket of a try in vain
            time.sleep(0.1)
            continue
        try:
            return docker.DockerClient(base_url=f"unix://{folder}/docker.sock")  # it asks for the version
        except (DockerException, requests.RequestException):
            time.sleep(0.1)
    raise NoEngineHere(f"dockerd does not start: {(folder / 'dockerd.log').read_text()[-500:]}")


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        if str(folder) in line:
            subprocess.run(["umount", "--lazy", line.split()[1]], check=False)
    subprocess.run(["rm", "-rf", str(folder)], check=False)  # 100,000 files: a third of shutil's time


def _image_archive() -> bytes:
    """Return a root file system that holds a shell and the shared libraries that this Python and its packages use."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in ("tmp", "etc", "usr/bin", "bin"):
            archive.addfile(_folder(folder, mode=0o1777 if folder == "tmp" else 0o755))
        archive.addfile(_folder("cache", mode=0o755, uid=WORKER_UID))
        for program in ("sh", "cat", "sleep"):
            archive.add(os.path.realpath(shutil.which(program) or program), f"bin/{program}")
        for library in sorted(_shared_libraries()):
            archive.add(os.path.realpath(library), library.lstrip("/"))
    return buffer.getvalue()


def _folder(name: str, *, mode: int, uid: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.uid = tarfile.DIRTYPE, mode, uid
    return made


def _shared_libraries() -> set[str]:
    """Those of the system that the interpreter, its modules, torch and the programs above are linked with."""
    modules = Path(sysconfig.get_config_var("DESTSHARED"))
    torch = Path(sysconfig.get_path("platlib")) / "torch"
    users = [sys.executable, "/bin/sh", "/bin/cat", "/bin/sleep", *modules.glob("*.so"), *torch.glob("lib/*.so")]
    listed = subprocess.run(["ldd", *map(str, users)], capture_output=True, text=True, check=False).stdout
    words = {word for line in listed.splitlines() if line.startswith("\t") for word in line.split()}
    own = (sys.base_prefix, sys.prefix)
    return {word for word in words if word.startswith("/") and not word.startswith(own)}
