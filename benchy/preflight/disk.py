"""Checks that there is room for the download, and that folders can be written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from benchy import hub
from benchy.checkpoint.checkpoint import Checkpoint
from benchy.checkpoint.memory import in_gb
from benchy.checkpoint.source import HubModel
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, DiskFull
from benchy.hub import cache_folder


class Download(NamedTuple):
    """What of a model comes from the Hub."""

    commit: str | None = None
    """The model's; None for a folder."""
    total_bytes: int = 0
    missing_bytes: int = 0
    """Of the files that are not in the cache yet."""


def check_download(checkpoint: Checkpoint) -> Download:
    """Check what is to be fetched against the free space of the cache's disk; a folder needs none.

    The listing and the cache's blobs tell it; ``snapshot_download(dry_run=True)`` says the same with a request a file.

    Raises:
        DiskFull: there is too little.
    """
    source = checkpoint.source
    if not isinstance(source, HubModel):
        return Download()
    missing = [path for path in checkpoint.loaded if not hub.blob_path(source.repo, source.files[path]).is_file()]
    needed = sum(source.size(path) for path in missing)
    cache = cache_folder().absolute()
    free = shutil.disk_usage(next(folder for folder in (cache, *cache.parents) if folder.is_dir())).free
    if needed > free:
        raise DiskFull(
            f"{source.repo.name} needs {in_gb(needed)} more in {cache}, which has {in_gb(free)} free",
            hint="free some space, or move HF_HOME to a larger disk",
        )
    return Download(source.repo.revision, sum(source.size(path) for path in checkpoint.loaded), needed)


def require_writable(config: BenchmarkConfig) -> None:
    """Refuse an output folder that cannot be written now, and not after the evaluation."""
    _require_folder("evaluation.output_path", config.evaluation.output_path)
    _require_folder("logging.log_dir", config.logging.log_dir)
    if config.upload is not None and config.upload.folder is not None:
        _require_folder("upload.to", config.upload.to)


def _require_folder(key: str, path: str) -> None:
    here = Path(path).absolute()
    nearest = next(p for p in (here, *here.parents) if os.path.lexists(p))
    if not os.path.isdir(nearest):  # noqa: PTH112 - unlike pathlib's, false where it may not be looked at
        raise ConfigError(f'{key}: "{nearest}" is a file, not a folder', hint=f"set {key} to a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ConfigError(f'{key}: "{nearest}" cannot be written by this user', hint=f"set {key} to another folder")
