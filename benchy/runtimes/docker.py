"""A container of the GPU image, pinned to the configured GPUs."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import requests
from docker.errors import ImageNotFound, NotFound
from docker.types import DeviceRequest, LogConfig, Mount, Ulimit

from benchy.config import BenchmarkConfig
from benchy.errors import ImageMissing, NoEngine
from benchy.gpus import QUERY_GPUS, QUERY_HOLDERS, Gpu, parse_gpus
from benchy.runtimes import RunIdentity, Say
from benchy.runtimes.container import (
    FLOW_RUN_LABEL,
    GPUS_LABEL,
    RUN_LABEL,
    ContainerOptions,
    container_options,
    run_labels,
)
from benchy.runtimes.docker_transport import ENGINE_ERRORS, DockerTransport, remove
from benchy.runtimes.leases import gpus_wanted, start_on_free_gpus
from benchy.runtimes.mounts import MountOption, let_group_write, mount_for, shared_folders
from benchy.runtimes.refusals import name_failed_look, name_refusal

if TYPE_CHECKING:
    from docker.models.containers import Container


class DockerRuntime:
    """Starts workers as containers of the engine that ``DOCKER_HOST`` names, or of this machine's own."""

    def start(
        self, config: BenchmarkConfig, run: RunIdentity, *, on_gpus: bool, say: Say, wait: bool = True
    ) -> DockerTransport:
        """Start a worker; waits while other runs have its GPUs.

        Raises:
            MustWait: other runs have its GPUs, and ``wait`` is false.
            NoEngine, EngineLost, NoGpuSupport, ImageMissing, ContainerRefused: what the engine lacks.
            GpuNotFound, GpuBusy: what the GPUs lack.
            ConfigError: a folder of the config cannot be seen by the worker.
        """
        client = connect()
        try:
            image = _require_image(client, config)
            mounts = _mounts(client, config, run, on_gpus=on_gpus)

            def start_on(gpus: tuple[Gpu, ...]) -> DockerTransport:
                options = container_options(
                    config,
                    run,
                    on_gpus=on_gpus,
                    image_id=image,
                    gpu_ids=_engine_ids(config, gpus),
                    gpu_uuids=[gpu.uuid for gpu in gpus],
                    mounts=mounts,
                    host=os.environ,
                    gid=os.getgid(),
                    working_dir=str(Path.cwd()),
                )
                return start_container(client, options)

            wanted = gpus_wanted(config) if on_gpus else 0
            if wanted == 0:
                return start_on(())
            return start_on_free_gpus(
                wanted,
                start_on,
                look=lambda: look_at_gpus(client, image, run, cdi=_uses_cdi(config)),
                leased=lambda: leased_gpus(client),
                say=say,
                wait=wait,
            )
        except BaseException as error:
            client.close()
            if isinstance(error, requests.RequestException):
                raise name_refusal(error) from error
            raise


def connect() -> docker.DockerClient:
    """The engine.

    Raises:
        NoEngine: none answers, or this user may not talk to it.
    """
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    try:
        return docker.from_env()  # it asks the engine for its version
    except ENGINE_ERRORS as error:
        if "Permission denied" in str(error):
            hint = "add this user to the group that owns the socket (`docker`), and log in again"
            raise NoEngine(f"this user may not use the Docker engine at {address}", hint=hint) from error
        raise NoEngine(f"no Docker engine answers at {address}") from error


def look_at_gpus(client: docker.DockerClient, image: str, run: RunIdentity, *, cdi: bool = False) -> tuple[Gpu, ...]:
    """The GPUs of the engine's machine, and what holds their memory, as ``nvidia-smi`` in a container sees them.

    Raises:
        NoGpuSupport: the engine gives no GPU to a container.
    """
    looking: Container = client.containers.create(
        image,
        ["sh", "-c", f"{shlex.join(QUERY_GPUS)} && echo && {shlex.join(QUERY_HOLDERS)}"],
        entrypoint=[],
        labels=run_labels(run),
        device_requests=_device_requests(["nvidia.com/gpu=all"] if cdi else ["all"]),
        pid_mode="host",  # else nvidia-smi cannot name the processes of other containers and of the host
        network_mode="none",
    )
    try:
        looking.start()
        failed = looking.wait()["StatusCode"]
        said = looking.logs(stderr=bool(failed)).decode()  # nvidia-smi says on stdout what keeps it from working
    finally:
        remove(looking)
    if failed:
        raise name_failed_look(said)
    gpus, _, holders = said.partition("\n\n")
    return parse_gpus(gpus, holders)


def leased_gpus(client: docker.DockerClient) -> dict[str, str]:
    """The GPUs of every run on this engine: UUID to the run's name.

    Under the lock, a container that was created and does not run is one whose maker was killed; it has no GPU.
    """
    filters = {"label": GPUS_LABEL, "status": ["running", "paused", "restarting"]}
    found: dict[str, str] = {}
    for container in client.api.containers(all=True, filters=filters):
        labels = container["Labels"]
        found |= {gpu: labels.get(RUN_LABEL, "") for gpu in labels[GPUS_LABEL].split(",") if gpu}
    return found


def remove_containers(flow_run_id: str) -> None:
    """End and remove every container that is labelled with a flow run.

    Raises:
        NoEngine: none answers.
    """
    with closing(connect()) as client:
        filters: dict[str, Any] = {"label": f"{FLOW_RUN_LABEL}={flow_run_id}"}
        for container in client.containers.list(all=True, filters=filters, ignore_removed=True):
            remove(container)


def start_container(client: docker.DockerClient, options: ContainerOptions) -> DockerTransport:
    """Create, attach, start; whatever goes wrong, no container is left."""
    container: Container = client.containers.create(**docker_arguments(options))
    try:
        transport = DockerTransport(client, container)
        container.start()
    except BaseException:
        remove(container)
        raise
    return transport


def docker_arguments(options: ContainerOptions) -> dict[str, Any]:
    """The options as the Docker SDK's ``containers.create`` takes them."""
    return {
        "image": options.image,
        "entrypoint": [],
        "command": list(options.command),
        "environment": dict(options.environment),
        "labels": dict(options.labels),
        "mounts": [Mount(m.target, m.source, type=m.kind, read_only=not m.writable) for m in options.mounts],
        "working_dir": options.working_dir,
        "user": options.user,
        "device_requests": _device_requests(options.gpu_ids),
        "shm_size": options.shm_size,
        "mem_limit": options.memory,
        "memswap_limit": options.memory,
        "pids_limit": options.pids_limit,
        "ulimits": [Ulimit(name=name, soft=value, hard=value) for name, value in options.ulimits.items()],
        "read_only": options.read_only,
        "cap_drop": list(options.cap_drop),
        "security_opt": list(options.security_opt),
        "tmpfs": dict(options.tmpfs),
        "init": True,
        "stdin_open": True,  # with the SDK's own StdinOnce: when this process dies, the worker's stdin ends
        "auto_remove": True,
        "log_config": LogConfig(type=LogConfig.types.NONE),  # the run's log is the one account
    }


def _device_requests(gpu_ids: Sequence[str]) -> list[DeviceRequest]:
    if not gpu_ids:
        return []
    if "=" in gpu_ids[0]:
        return [DeviceRequest(driver="cdi", device_ids=list(gpu_ids))]
    # Engines up to 28 call NVIDIA's prestart hook for it. 29 first tries the CDI devices nvidia.com/gpu=UUID, and then
    # the hook (github.com/moby/moby/pull/50228; 52704 would turn that round): the container gets the same GPUs.
    return [DeviceRequest(device_ids=list(gpu_ids), capabilities=[["gpu"]])]


def _require_image(client: docker.DockerClient, config: BenchmarkConfig) -> str:
    """The image by digest, so that the record says exactly what ran."""
    name = config.container.image
    try:
        return str(client.images.get(name).id)
    except ImageNotFound as error:
        hint = f"build it: `{build_command(name)}`"
        raise ImageMissing(f'the Docker engine has no image "{name}"', hint=hint) from error


def build_command(image: str) -> str:
    """What builds the GPU image."""
    return f"docker build -f Dockerfile.gpu -t {shlex.quote(image)} ."


def _uses_cdi(config: BenchmarkConfig) -> bool:
    return any("=" in str(gpu) for gpu in config.gpus or ())


def _engine_ids(config: BenchmarkConfig, gpus: Sequence[Gpu]) -> list[str]:
    """UUIDs, which mean the same to every engine, or the CDI names as they were given."""
    return [str(gpu) for gpu in config.gpus or ()] if _uses_cdi(config) else [gpu.uuid for gpu in gpus]


def _mounts(
    client: docker.DockerClient, config: BenchmarkConfig, run: RunIdentity, *, on_gpus: bool
) -> list[MountOption]:
    shares = shared_folders(config, run, on_gpus=on_gpus)
    for share in shares:
        if share.writable:
            let_group_write(share.path)
    own = _own_mounts(client)
    return [mount_for(share, own) for share in shares]


def _own_mounts(client: docker.DockerClient) -> list[MountOption]:
    """The mounts of the container that this process runs in, if it runs in one of this engine."""
    if not Path("/.dockerenv").exists():
        return []
    try:
        mounts: list[Mapping[str, Any]] = client.api.inspect_container(socket.gethostname())["Mounts"]
    except NotFound:
        return []
    return [
        MountOption(mount["Type"], mount.get("Name") or mount["Source"], mount["Destination"], bool(mount["RW"]))
        for mount in mounts
        if mount["Type"] in {"bind", "volume"}
    ]
