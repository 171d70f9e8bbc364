"""DockerRuntime: each worker runs in a container of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import NotFound

from benchy.errors import NoEngine
from benchy.gpus.nvidia_smi import Gpu
from benchy.runtimes.base import RunIdentity, Say
from benchy.runtimes.docker.engine import (
    connect,
    leased_gpus,
    look_at_gpus,
    remove_containers,
    require_image,
    start_container,
)
from benchy.runtimes.docker.failures import name_refusal
from benchy.runtimes.docker.gpu_leases import start_on_free_gpus
from benchy.runtimes.docker.host_lock import host_lock, lock_place
from benchy.runtimes.docker.mounts import MountOption, let_group_write, mount_for
from benchy.runtimes.docker.options import container_options
from benchy.runtimes.docker.transport import DockerTransport
from benchy.runtimes.launch import WorkerLaunch


class DockerRuntime:
    """Starts workers as containers of the engine that ``DOCKER_HOST`` names, or of this machine's own."""

    has_own_packages = True

    def available(self) -> bool:
        """Return whether an engine answers."""
        try:
            connect().close()
        except NoEngine:
            return False
        return True

    def leases(self) -> Mapping[str, str]:
        """Return the GPUs that runs have on this engine: UUID to the run's name.

        Raises:
            NoEngine: none answers.
        """
        with closing(connect()) as client:
            return leased_gpus(client)

    def end(self, flow_run_id: str) -> None:
        """Remove every container that a flow run left; does nothing where no engine answers."""
        with suppress(NoEngine):
            remove_containers(flow_run_id)

    def start(self, launch: WorkerLaunch, run: RunIdentity, *, say: Say, wait: bool = True) -> DockerTransport:
        """Start a worker; waits while other runs have its GPUs.

        Raises:
            MustWait: other runs have its GPUs, and ``wait`` is false.
            NoEngine, EngineLost, NoGpuSupport, ImageMissing, ContainerRefused: what the engine lacks.
            GpuNotFound, GpuBusy: what the GPUs lack.
            ConfigError: a folder of the config cannot be seen by the worker.
        """
        client = connect()
        try:
            image = require_image(client, launch.container.image)
            mounts = _mounts(client, launch)
            memory = int(client.info()["MemTotal"])

            def start_on(gpus: tuple[Gpu, ...]) -> DockerTransport:
                options = container_options(
                    launch,
                    run,
                    image_id=image,
                    gpu_ids=_engine_ids(launch, gpus),
                    gpu_uuids=[gpu.uuid for gpu in gpus],
                    mounts=mounts,
                    host=os.environ,
                    host_memory=memory,
                    gid=os.getgid(),
                    working_dir=str(Path.cwd()),
                )
                return start_container(client, options)

            if launch.gpus == 0:
                return start_on(())
            return start_on_free_gpus(
                launch.gpus,
                start_on,
                look=lambda: look_at_gpus(client, image, run, cdi=_uses_cdi(launch)),
                leased=lambda: leased_gpus(client),
                say=say,
                wait=wait,
                lock=lambda: host_lock(*lock_place(os.environ.get("DOCKER_HOST")), say),
            )
        except BaseException as error:
            client.close()
            if isinstance(error, requests.RequestException):
                raise name_refusal(error) from error
            raise


def _named(launch: WorkerLaunch) -> list[str]:
    return [str(gpu) for gpu in launch.gpus] if isinstance(launch.gpus, tuple) else []


def _uses_cdi(launch: WorkerLaunch) -> bool:
    return any("=" in name for name in _named(launch))


def _engine_ids(launch: WorkerLaunch, gpus: Sequence[Gpu]) -> list[str]:
    """UUIDs, which mean the same to every engine, or the CDI names as they were given."""
    return _named(launch) if _uses_cdi(launch) else [gpu.uuid for gpu in gpus]


def _mounts(client: docker.DockerClient, launch: WorkerLaunch) -> list[MountOption]:
    for share in launch.folders:
        if share.writable:
            let_group_write(share.path)
    own = _own_mounts(client)
    return [mount_for(share, own) for share in launch.folders]


def _own_mounts(client: docker.DockerClient) -> list[MountOption]:
    """Return the mounts of the container that this process runs in, if it runs in one of this engine."""
    if not Path("/.dockerenv").exists():
        return []
    try:
        mounts: list[Mapping[str, Any]] = client.api.inspect_container(socket.gethostname())["Mounts"]
    except NotFound:
        return []
    return [
        MountOption("bind", mount["Source"], mount["Destination"], bool(mount["RW"]))
        for mount in mounts
        if mount["Type"] in {"bind", "volume"}
    ]
