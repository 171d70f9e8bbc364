"""The Docker engine: connects to it, looks at its GPUs, starts and removes containers."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import docker
from docker.errors import ImageNotFound
from docker.types import DeviceRequest, LogConfig, Mount, Ulimit

from benchy.errors import ImageMissing, NoEngine
from benchy.gpus.nvidia_smi import QUERY_GPUS, QUERY_HOLDERS, Gpu, parse_gpus
from benchy.runtimes.base import RunIdentity
from benchy.runtimes.docker.failures import name_failed_look
from benchy.runtimes.docker.options import FLOW_RUN_LABEL, GPUS_LABEL, RUN_LABEL, ContainerOptions, run_labels
from benchy.runtimes.docker.transport import ENGINE_ERRORS, DockerTransport, remove

if TYPE_CHECKING:
    from docker.models.containers import Container


def connect() -> docker.DockerClient:
    """Return the engine.

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
    """Return the GPUs of the engine's machine, and what holds their memory, as ``nvidia-smi`` in a container sees them.

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
    """Return the GPUs of every run on this engine: UUID to the run's name.

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
        transport = DockerTransport(client, container, is_limited=isinstance(options.memory, str))
        container.start()
    except BaseException:
        remove(container)
        raise
    return transport


def docker_arguments(options: ContainerOptions) -> dict[str, Any]:
    """Return the options as the Docker SDK's ``containers.create`` takes them."""
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


def require_image(client: docker.DockerClient, name: str) -> str:
    """Return the image by digest, so that the record says exactly what ran."""
    try:
        return str(client.images.get(name).id)
    except ImageNotFound as error:
        hint = f"build it: `{build_command(name)}`"
        raise ImageMissing(f'the Docker engine has no image "{name}"', hint=hint) from error


def build_command(image: str) -> str:
    """Return what builds the GPU image."""
    return f"docker build -f Dockerfile.gpu -t {shlex.quote(image)} ."
