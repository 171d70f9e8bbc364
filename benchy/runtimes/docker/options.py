"""What a worker's container is: decided here as plain data, made by ``engine.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchy.hub import SHARED_CACHE
from benchy.runtimes.base import RunIdentity
from benchy.runtimes.docker.mounts import MountOption, merge_mounts, parse_volume
from benchy.runtimes.launch import WorkerLaunch

WORKER_UID = 10001
"""The user in the container; never root. Its group is that of the host's user, who thus can manage what it writes."""
CACHE_TARGET = "/cache"
MEMORY_SHARE = 0.9
"""Of the machine's memory: what a worker may have if the config does not say. A leak then ends it alone."""
SCRATCH_SHARE = 0.25
"""Of the machine's memory: the size of the container's own /tmp, which counts as the worker's memory."""
SCRATCH = "/tmp"  # noqa: S108 - the container's own, gone with it
OWN_CACHES = {
    "LM_HARNESS_CACHE_PATH": "lm_eval",
    "TRITON_CACHE_DIR": "triton",
    "TORCHINDUCTOR_CACHE_DIR": "torchinductor",
    "VLLM_CACHE_ROOT": "vllm",
}
"""What the libraries keep for the next run is code, or a pickle that runs some: each run begins without it."""

RUN_LABEL = "benchy.run"
FLOW_RUN_LABEL = "benchy.flow_run"
GPUS_LABEL = "benchy.gpus"

PASSED_ON = (
    "HF_ENDPOINT", "HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT", "HF_HUB_DISABLE_XET", "HF_HUB_OFFLINE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "BENCHY_LOG_LEVEL",
)  # fmt: skip
"""Of the host's environment. No token is among them: ``docker inspect`` shows a container's environment."""


@dataclass(frozen=True)
class ContainerOptions:
    """All that says how a worker's container is; what it may not do is the default."""

    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    mounts: tuple[MountOption, ...]
    working_dir: str
    user: str
    gpu_ids: tuple[str, ...] = ()
    """As the engine's device request takes them: UUIDs, or CDI device names."""
    shm_size: str = "64m"
    memory: str | int | None = None
    """A size, or bytes."""
    pids_limit: int = 4096
    ulimits: Mapping[str, int] = field(default_factory=dict)
    read_only: bool = True
    cap_drop: tuple[str, ...] = ("ALL",)
    security_opt: tuple[str, ...] = ("no-new-privileges",)
    tmpfs: Mapping[str, str] = field(default_factory=dict)


def container_options(
    launch: WorkerLaunch,
    run: RunIdentity,
    *,
    image_id: str,
    gpu_ids: Sequence[str] = (),
    gpu_uuids: Sequence[str] = (),
    mounts: Sequence[MountOption] = (),
    host: Mapping[str, str],
    host_memory: int,
    gid: int,
    working_dir: str,
) -> ContainerOptions:
    """Decide what the container of a worker is.

    Args:
        launch: what the worker is.
        run: whose worker it is, for the labels.
        image_id: the image by digest.
        gpu_ids: for the engine.
        gpu_uuids: which GPUs the worker must see, no more and no less.
        mounts: the folders that it must see.
        host: this process's environment.
        host_memory: bytes that the engine's machine has.
        gid: this process's group.
        working_dir: against which the config's relative paths are meant.
    """
    wanted = launch.container
    volumes = [parse_volume(text) for text in wanted.volumes]
    cache = (
        [MountOption("volume", wanted.cache, CACHE_TARGET, writable=launch.cache == "write")] if launch.cache else []
    )
    return ContainerOptions(
        image=image_id,
        command=("python", *launch.arguments),
        environment=_environment(launch, host, image_id, gpu_uuids)
        | {name: host[name] for name in launch.passed_on if name in host}
        | (_LOOPBACK_ALONE if launch.goes_offline else {}),
        labels=run_labels(run, gpu_uuids or gpu_ids),
        mounts=tuple(merge_mounts([*mounts, *volumes, *cache])),
        working_dir=working_dir,
        user=f"{WORKER_UID}:{gid}",
        gpu_ids=tuple(gpu_ids),
        shm_size=wanted.shm_size,
        memory=wanted.memory or int(host_memory * MEMORY_SHARE),
        tmpfs={SCRATCH: f"rw,exec,nosuid,nodev,mode=1777,size={int(host_memory * SCRATCH_SHARE)}"},
        pids_limit=wanted.pids_limit,
        ulimits=wanted.ulimits,
    )


_LOOPBACK_ALONE = {"NCCL_SOCKET_IFNAME": "lo", "GLOO_SOCKET_IFNAME": "lo"}
"""The only interface that stays when the network is gone."""


def _environment(
    launch: WorkerLaunch, host: Mapping[str, str], image_id: str, gpu_uuids: Sequence[str]
) -> dict[str, str]:
    environment = (
        {name: host[name] for name in PASSED_ON if name in host}
        | {
            "HOME": SCRATCH,
            "USER": "benchy",  # torch asks for the user's name, and the uid has no entry in /etc/passwd of every image
            "HF_HOME": f"{CACHE_TARGET if launch.cache == 'write' else SCRATCH}/huggingface",
            "BENCHY_IMAGE": image_id,
            "BENCHY_UMASK": "0002",  # the host's group can manage what the worker writes
        }
        | dict(launch.environment)
    )
    if launch.cache == "read":
        environment |= {name: f"{SCRATCH}/{folder}" for name, folder in OWN_CACHES.items()}
        environment[SHARED_CACHE] = f"{CACHE_TARGET}/huggingface"
    if gpu_uuids:
        environment["BENCHY_GPUS"] = ",".join(gpu_uuids)
    return environment


def run_labels(run: RunIdentity, gpus: Sequence[str] = ()) -> dict[str, str]:
    """By which a container is found: whose it is, and the GPUs that it has."""
    labels = {RUN_LABEL: run.name, GPUS_LABEL: ",".join(gpus)}
    return labels | ({FLOW_RUN_LABEL: run.flow_run_id} if run.flow_run_id else {})
