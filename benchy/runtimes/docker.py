"""A container of the GPU image, pinned to the configured GPUs."""

from __future__ import annotations

import os
import queue
import shlex
import signal
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import requests
import urllib3
from docker.errors import APIError, ContainerError, DockerException, ImageNotFound, NotFound
from docker.types import CancellableStream, DeviceRequest, LogConfig, Mount, Ulimit
from docker.utils.socket import STDOUT, frames_iter_no_tty

from benchy.config import BenchmarkConfig
from benchy.errors import (
    BenchyError,
    ContainerRefused,
    DiskFull,
    EngineLost,
    GpuNotFound,
    ImageMissing,
    NoEngine,
    NoGpuSupport,
    NotEnoughMemory,
    WorkerDied,
    WorkerError,
)
from benchy.runtimes import RunIdentity, Say
from benchy.runtimes.container import (
    FLOW_RUN_LABEL,
    GPUS_LABEL,
    RUN_LABEL,
    ContainerOptions,
    MountOption,
    Share,
    container_options,
    mount_for,
    shared_folders,
)
from benchy.runtimes.leases import NVIDIA_SMI, Gpu, gpus_wanted, parse_gpus, start_on_free_gpus

if TYPE_CHECKING:
    from docker.models.containers import Container

ENGINE_ERRORS = (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""What the Docker SDK raises when the engine says no, or is not there."""
CHUNKS_AHEAD = 256
SECONDS_FOR_LAST_EVENTS = 2.0


class DockerRuntime:
    """Starts workers as containers of the engine that ``DOCKER_HOST`` names, or of this machine's own."""

    def start(
        self, config: BenchmarkConfig, run: RunIdentity, *, on_gpus: bool, say: Say, wait: bool = True
    ) -> DockerTransport:
        """Start a worker; waits while other runs have its GPUs.

        Raises:
            MustWait: other runs have its GPUs, and ``wait`` is false.
            NoEngine, NoGpuSupport, ImageMissing, ContainerRefused: what the engine lacks.
            GpuNotFound, GpuBusy: what the GPUs lack.
            ConfigError: a folder of the config cannot be seen by the worker.
        """
        client = connect()
        try:
            return _start(client, config, run, on_gpus=on_gpus, say=say, wait=wait)
        except BaseException:
            client.close()
            raise


def _start(
    client: docker.DockerClient, config: BenchmarkConfig, run: RunIdentity, *, on_gpus: bool, say: Say, wait: bool
) -> DockerTransport:
    image = _require_image(client, config)
    mounts = _share(client, shared_folders(config, run, on_gpus=on_gpus))

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
        look=lambda: look_at_gpus(client, image, cdi=_uses_cdi(config)),
        leased=lambda: leased_gpus(client),
        say=say,
        wait=wait,
    )


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


def look_at_gpus(client: docker.DockerClient, image: str, *, cdi: bool = False) -> tuple[Gpu, ...]:
    """The GPUs of the engine's machine, and what holds their memory, as ``nvidia-smi`` in a container sees them.

    Raises:
        NoGpuSupport: the engine gives no GPU to a container.
    """
    request = (
        DeviceRequest(driver="cdi", device_ids=["nvidia.com/gpu=all"])
        if cdi
        else DeviceRequest(count=-1, capabilities=[["gpu"]])
    )
    try:
        output: bytes = client.containers.run(
            image,
            ["sh", "-c", NVIDIA_SMI],
            entrypoint=[],
            device_requests=[request],
            pid_mode="host",  # else nvidia-smi cannot name the processes of other containers and of the host
            network_mode="none",
            remove=True,
        )
    except ContainerError as error:
        raise NoGpuSupport(f"the Docker engine took the GPU request but gave no GPU: {error}") from error
    except APIError as error:
        raise name_refusal(error) from error
    return parse_gpus(output.decode())


def leased_gpus(client: docker.DockerClient) -> dict[str, str]:
    """The GPUs of every run on this engine: UUID to the run's name."""
    filters = {"label": GPUS_LABEL, "status": ["created", "running", "paused", "restarting"]}
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
            with suppress(*ENGINE_ERRORS):  # it is being removed already
                container.remove(force=True)


def start_container(client: docker.DockerClient, options: ContainerOptions) -> DockerTransport:
    """Create, attach, start; whatever goes wrong, no container is left.

    Raises:
        BenchyError: the engine's refusal by its name.
    """
    try:
        container: Container = client.containers.create(**docker_arguments(options))
    except APIError as error:
        raise name_refusal(error) from error
    try:
        transport = DockerTransport(client, container)
        container.start()
    except BaseException as error:
        with suppress(*ENGINE_ERRORS):
            container.remove(force=True)
        if isinstance(error, APIError):
            raise name_refusal(error) from error
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
    return [DeviceRequest(device_ids=list(gpu_ids), capabilities=[["gpu"]])]


def name_refusal(error: APIError) -> BenchyError:
    """The error of the tree for what the engine says when it creates or starts a container."""
    said = " ".join(str(error.explanation or error).split())
    if "could not select device driver" in said:
        return NoGpuSupport(f"the Docker engine has no GPU support: {said}")
    if "unknown device" in said or "unresolvable CDI devices" in said:
        return GpuNotFound(f"the Docker engine knows no such GPU: {said}")
    if "no space left on device" in said:
        return DiskFull(f"the Docker engine's disk is full: {said}", hint="free some space: `docker system df` tells")
    return ContainerRefused(f"the Docker engine does not start the worker: {said}")


class DockerTransport:
    """A worker that is a container. The container is removed when it ends."""

    def __init__(self, client: docker.DockerClient, container: Container) -> None:
        """Attach to a container that was created and not yet started, so that nothing it says is missed."""
        self._client = client
        self._container = container
        self.container_id = str(container.id)
        """The engine's."""
        self._ended = threading.Event()
        self._exit_code: int | None = None
        """None while it runs, and for good when the engine went away first."""
        self._out_of_memory = False
        self._killed = False
        """By the engine, because somebody asked it to."""
        self._answers: queue.Queue[bytes | None] = queue.Queue(CHUNKS_AHEAD)
        self._log: queue.Queue[bytes | None] = queue.Queue(CHUNKS_AHEAD)
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        self._hijacked = client.api.attach_socket(self.container_id, params=streams)
        self._socket: socket.socket = self._hijacked._sock
        self._socket.settimeout(None)
        filters = {"container": self.container_id, "type": "container"}
        events: CancellableStream[dict[str, Any]] = client.api.events(filters=filters, decode=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._watcher = threading.Thread(target=self._watch, args=(events,), daemon=True)
        self._reader.start()
        self._watcher.start()

    def send(self, line: bytes) -> None:
        """Write to its stdin. Raises OSError when it is gone."""
        self._socket.sendall(line)

    def close_input(self) -> None:
        """End its stdin, which asks it to leave."""
        with suppress(OSError):  # it is gone
            self._socket.shutdown(socket.SHUT_WR)

    def answers(self) -> Iterator[bytes]:
        """Its stdout as it comes."""
        return iter(self._answers.get, None)

    def log(self) -> Iterator[bytes]:
        """Its stderr as it comes."""
        return iter(self._log.get, None)

    def go_offline(self) -> None:
        """Disconnect it from every network; only its own loopback stays.

        Raises:
            WorkerError: the engine does not do that, and model code must not run with a network.
        """
        try:
            state = self._client.api.inspect_container(self.container_id)
            for name in state["NetworkSettings"]["Networks"]:
                self._client.api.disconnect_container_from_network(self.container_id, name, force=True)
        except ENGINE_ERRORS as error:
            if self._ended.is_set():
                raise self.explain_end() from error
            raise WorkerError(
                f"the worker's container cannot be cut off from the network: {error}",
                hint='"container.sandbox: false" lets model code have the network',
            ) from error

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, within so many seconds; it has for us when the engine is gone."""
        return self._ended.wait(seconds)

    def kill(self) -> None:
        """End and remove it, now."""
        with suppress(*ENGINE_ERRORS):  # it is being removed already, or the engine is gone
            self._container.remove(force=True)
        self._ended.wait(SECONDS_FOR_LAST_EVENTS)

    def explain_end(self) -> BenchyError:
        """Why it ended without an answer. The end of its streams alone says nothing: an engine that dies ends them."""
        self._watcher.join(SECONDS_FOR_LAST_EVENTS)
        code = self._exit_code
        if code is None:
            return EngineLost("the Docker engine went away while the worker was running")
        killed = code == 128 + signal.SIGKILL
        limited = bool(self._container.attrs["HostConfig"]["Memory"])
        if self._out_of_memory or (killed and limited and not self._killed):  # the event may come late, or never
            return NotEnoughMemory(
                "the worker was killed by the kernel: its container ran out of memory",
                hint='raise "container.memory", or take a smaller batch or model',
            )
        if killed:
            return WorkerDied(
                "the worker was killed (signal 9)",
                hint="if nobody did that, the machine ran out of memory: `dmesg` tells; try a smaller batch or model",
            )
        if code > 128:
            return WorkerDied(f"the worker crashed with {signal.Signals(code - 128).name}")
        return WorkerDied(f"the worker ended with exit code {code} before it answered")

    def _read(self) -> None:
        """Take the two streams apart."""
        with suppress(OSError):
            frames: Iterator[tuple[int, bytes]] = frames_iter_no_tty(self._socket)  # type: ignore[assignment]
            for stream, chunk in frames:
                (self._answers if stream == STDOUT else self._log).put(chunk)
        self._answers.put(None)
        self._log.put(None)
        self._socket.close()
        self._hijacked.close()

    def _watch(self, events: CancellableStream[dict[str, Any]]) -> None:
        """Note how the container ends; a container that removes itself can no longer be asked."""
        with suppress(*ENGINE_ERRORS, ValueError), closing(events):
            for event in events:
                match event["Action"]:
                    case "oom":
                        self._out_of_memory = True
                    case "kill":
                        self._killed = True
                    case "die":
                        self._exit_code = int(event["Actor"]["Attributes"]["exitCode"])
                        self._ended.set()
                    case "destroy":
                        break
        self._ended.set()
        self._reader.join()
        self._client.close()


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


def _share(client: docker.DockerClient, shares: Sequence[Share]) -> list[MountOption]:
    own = _own_mounts(client)
    for share in shares:
        if share.writable:
            _let_group_write(share.path)
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


def _let_group_write(folder: Path) -> None:
    """The worker's user is another one than ours, in our group."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink() and path.stat().st_uid == os.geteuid():
            path.chmod(path.stat().st_mode | (0o070 if path.is_dir() else 0o060))
