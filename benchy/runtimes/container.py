"""What a worker's container is: decided here as plain data, made by ``docker.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError
from benchy.runtimes import RunIdentity
from benchy.runtimes.process import launch_command

WORKER_UID = 10001
"""The user in the container; never root. Its group is that of the host's user, who thus can manage what it writes."""
CACHE_TARGET = "/cache"

RUN_LABEL = "benchy.run"
FLOW_RUN_LABEL = "benchy.flow_run"
GPUS_LABEL = "benchy.gpus"

PASSED_ON = (
    "HF_ENDPOINT", "HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT", "HF_HUB_DISABLE_XET", "HF_HUB_OFFLINE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "BENCHY_LOG_LEVEL",
)  # fmt: skip
"""Of the host's environment. No token is among them: ``docker inspect`` shows a container's environment."""


@dataclass(frozen=True)
class Share:
    """A folder of this machine that the worker must see, at its own path."""

    path: Path
    """Absolute."""
    writable: bool = False


@dataclass(frozen=True)
class MountOption:
    """One mount of the container."""

    kind: Literal["bind", "volume"]
    source: str
    """A path on the engine's machine, or a volume's name."""
    target: str
    writable: bool = False


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
    volumes = [_volume(text) for text in wanted.volumes]
    cache = [MountOption("volume", wanted.cache, CACHE_TARGET, writable=True)] if on_gpus else []
    return ContainerOptions(
        image=image_id,
        command=tuple(launch_command(config, "python", on_gpus=on_gpus)),
        environment=_environment(host, image_id, gpu_uuids, offline=on_gpus and wanted.sandbox)
        | ({} if on_gpus else {"HF_HOME": "/tmp/huggingface"}),  # noqa: S108 - its own: it has no cache to write to
        labels=_labels(run, gpu_uuids or gpu_ids),
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


def _labels(run: RunIdentity, gpus: Sequence[str]) -> dict[str, str]:
    labels = {RUN_LABEL: run.name, GPUS_LABEL: ",".join(gpus)}
    return labels | ({FLOW_RUN_LABEL: run.flow_run_id} if run.flow_run_id else {})


def _volume(text: str) -> MountOption:
    source, target, *mode = text.split(":")
    return MountOption("bind" if source.startswith("/") else "volume", source, target, writable=mode != ["ro"])


def merge_mounts(mounts: Sequence[MountOption]) -> list[MountOption]:
    """One mount a target; of two, the writable one, else the last."""
    by_target: dict[str, MountOption] = {}
    for mount in mounts:
        before = by_target.get(mount.target)
        if before is None or mount.writable or not before.writable:
            by_target[mount.target] = mount
    return list(by_target.values())


def shared_folders(config: BenchmarkConfig, run: RunIdentity, *, on_gpus: bool) -> list[Share]:
    """The folders of this machine that the config names: what is read, and what is written.

    The rest of this machine, the config's own folder (and a ``.env`` beside it) included, stays out of sight.
    """
    if not on_gpus:
        target = [config.upload.to] if config.upload and "://" not in config.upload.to else []
        own = Share(run.folder.absolute(), writable=config.wandb is not None)  # wandb keeps files of its own there
        return [own, *(Share(Path(folder).absolute(), writable=True) for folder in target)]
    named = [config.model.name, *(value for value in config.model.args.values() if isinstance(value, str))]
    folders = [*map(Path, named), *map(Path, config.evaluation.include_path)]
    folders += [Path(task).parent for task in config.evaluation.tasks if task.endswith(".yaml")]
    read = dict.fromkeys(folder.absolute() for folder in folders if folder.is_dir())
    return [*map(Share, read), Share(run.folder.absolute(), writable=True)]


def mount_for(share: Share, own: Sequence[MountOption]) -> MountOption:
    """How the engine mounts a folder at its own path.

    Args:
        share: the folder, as this process sees it.
        own: the mounts of the container that this process itself runs in; empty on a bare host. The engine knows
            volumes and its own machine's paths, not those in a container.

    Raises:
        ConfigError: the folder is in this container's own file system, which no other container can see.
    """
    path = PurePosixPath(share.path)
    if not own:
        return MountOption("bind", str(path), str(path), share.writable)
    above = [mount for mount in own if path.is_relative_to(mount.target)]
    if not above:
        raise ConfigError(
            f'the GPU worker cannot see "{path}", which is inside the container of this service',
            hint="keep it in a folder or volume that docker-compose.yml mounts",
        )
    mount = max(above, key=lambda mount: len(mount.target))
    if mount.kind == "volume":
        return MountOption("volume", mount.source, mount.target, share.writable)
    return MountOption(
        "bind", str(PurePosixPath(mount.source) / path.relative_to(mount.target)), str(path), share.writable
    )
