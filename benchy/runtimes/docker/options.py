"""What a worker's container is: decided here as plain data, made by ``docker.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchy.config import BenchmarkConfig
from benchy.runtimes.base import RunIdentity
from benchy.runtimes.docker.mounts import MountOption, merge_mounts, parse_volume
from benchy.runtimes.launch import goes_offline, launch_command

WORKER_UID = 10001
"""The user in the container; never root. Its group is that of the host's user, who thus can manage what it writes."""
CACHE_TARGET = "/cache"

RUN_LABEL = "benchy.runs.run"
FLOW_RUN_LABEL = "benchy.flow_run"
GPUS_LABEL = "benchy.gpus.nvidia_smi"

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
    memory: str | None = None
    pids_limit: int = 4096
    ulimits: Mapping[str, int] = field(default_factory=dict)
    read_only: bool = True
    cap_drop: tuple[str, ...] = ("ALL",)
    security_opt: tuple[str, ...] = ("no-new-privileges",)
    tmpfs: Mapping[str, str] = field(default_factory=lambda: {"/tmp": "rw,exec,nosuid,nodev,mode=1777"})  # noqa: S108


def container_options(
    config: BenchmarkConfig,
    run: RunIdentity,
    *,
    on_gpus: bool,
    image_id: str,
    gpu_ids: Sequence[str] = (),
    gpu_uuids: Sequence[str] = (),
    mounts: Sequence[MountOption] = (),
    host: Mapping[str, str],
    gid: int,
    working_dir: str,
) -> ContainerOptions:
    """Decide what the container of a worker is.

    Args:
        config: the run's.
        run: whose worker it is, for the labels.
        on_gpus: False for the upload's worker: no GPU, no cache, and the network stays.
        image_id: the image by digest.
        gpu_ids: for the engine.
        gpu_uuids: which GPUs the worker must see, no more and no less.
        mounts: the folders that it must see.
        host: this process's environment.
        gid: this process's group.
        working_dir: against which the config's relative paths are meant.
    """
    wanted = config.container
    volumes = [parse_volume(text) for text in wanted.volumes]
    cache = [MountOption("volume", wanted.cache, CACHE_TARGET, writable=True)] if on_gpus else []
    return ContainerOptions(
        image=image_id,
        command=tuple(launch_command(config, "python", on_gpus=on_gpus)),
        environment=_environment(host, image_id, gpu_uuids, offline=on_gpus and goes_offline(config))
        | ({} if on_gpus else {"HF_HOME": "/tmp/huggingface"}),  # noqa: S108 - its own: it has no cache to write to
        labels=run_labels(run, gpu_uuids or gpu_ids),
        mounts=tuple(merge_mounts([*mounts, *volumes, *cache])),
        working_dir=working_dir,
        user=f"{WORKER_UID}:{gid}",
        gpu_ids=tuple(gpu_ids),
        shm_size=wanted.shm_size,
        memory=wanted.memory,
        pids_limit=wanted.pids_limit,
        ulimits=wanted.ulimits,
    )


def _environment(host: Mapping[str, str], image_id: str, gpu_uuids: Sequence[str], *, offline: bool) -> dict[str, str]:
    environment = {name: host[name] for name in PASSED_ON if name in host} | {
        "HOME": "/tmp",  # noqa: S108 - the container's own
        "USER": "benchy",  # torch asks for the user's name, and the uid has no entry in /etc/passwd of every image
        "HF_HOME": f"{CACHE_TARGET}/huggingface",
        "LM_HARNESS_CACHE_PATH": f"{CACHE_TARGET}/lm_eval",
        "TRITON_CACHE_DIR": f"{CACHE_TARGET}/triton",
        "TORCHINDUCTOR_CACHE_DIR": f"{CACHE_TARGET}/torchinductor",
        "VLLM_CACHE_ROOT": f"{CACHE_TARGET}/vllm",
        "BENCHY_IMAGE": image_id,
        "BENCHY_UMASK": "0002",  # the host's group can manage what the worker writes
    }
    if gpu_uuids:
        environment["BENCHY_GPUS"] = ",".join(gpu_uuids)
    if offline:  # the only interface that stays when the network is gone
        environment |= {"NCCL_SOCKET_IFNAME": "lo", "GLOO_SOCKET_IFNAME": "lo"}
    return environment


def run_labels(run: RunIdentity, gpus: Sequence[str] = ()) -> dict[str, str]:
    """By which a container is found: whose it is, and the GPUs that it has."""
    labels = {RUN_LABEL: run.name, GPUS_LABEL: ",".join(gpus)}
    return labels | ({FLOW_RUN_LABEL: run.flow_run_id} if run.flow_run_id else {})
