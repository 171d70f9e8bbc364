"""The folders of the host that a container sees."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from benchy.errors import ConfigError
from benchy.runtimes.launch import Share


@dataclass(frozen=True)
class MountOption:
    """One mount of the container."""

    kind: Literal["bind", "volume"]
    source: str
    """A path on the engine's machine, or a volume's name."""
    target: str
    writable: bool = False


def mount_for(share: Share, own: Sequence[MountOption]) -> MountOption:
    """How the engine mounts a folder at its own path; of a volume that folder alone, since others' runs lie beside it.

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
    return MountOption(
        "bind", str(PurePosixPath(mount.source) / path.relative_to(mount.target)), str(path), share.writable
    )


def parse_volume(text: str) -> MountOption:
    """``source:target`` or ``source:target:ro``, as ``container.volumes`` says it."""
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


def let_group_write(folder: Path) -> None:
    """Make it, and open it to the worker's user, which is another one than ours, in our group."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink() and path.stat().st_uid == os.geteuid():
            path.chmod(path.stat().st_mode | (0o070 if path.is_dir() else 0o060))
