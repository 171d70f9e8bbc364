"""Watches over a download: ends and restarts it when no bytes arrive."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

from benchy import hub
from benchy.config import DownloadConfig
from benchy.errors import ErrorData, NetworkError, from_data
from benchy.hub import Repo
from benchy.protocol import Progress
from benchy.worker.fetch.cache import bytes_here, damaged_files, sweep
from benchy.worker.fetch.process import FetchRequest

logger = logging.getLogger(__name__)

ATTEMPTS = 3
SECONDS_BETWEEN_LOOKS = 0.25
Emit = Callable[[Progress], None]


def download(repo: Repo, files: Mapping[str, hub.RemoteFile], options: DownloadConfig, emit: Emit) -> None:
    """Fetch files of a repository at a commit, and check each by its hash: what was cached may have been changed.

    Raises:
        As :func:`download_model`.
    """
    missing = {path: file for path, file in files.items() if not hub.blob_path(repo, file).is_file()}
    _fetch(repo, files, options, emit)
    damaged = damaged_files(repo, files)
    if damaged:
        logger.warning("Fetching %s again: not what the Hub's hash says", ", ".join(damaged))
        _fetch(repo, files, options, emit)
        if damaged := damaged_files(repo, files):
            raise NetworkError(
                f"{damaged[0]} of {repo.name} arrives damaged: its content is not what the Hub's hash says",
                hint="a proxy may change what it passes on; try again, or another network",
            )
    logger.info("%s at %s: %d files, %d of them fetched now", repo.name, repo.revision, len(files), len(missing))


def _fetch(repo: Repo, files: Mapping[str, hub.RemoteFile], options: DownloadConfig, emit: Emit) -> None:
    """Start a process that fetches; start it again if it hangs or breaks, the second time without xet."""
    trouble = None
    for attempt in range(ATTEMPTS):
        sweep(repo)
        trouble = _try_to_fetch(repo, files, options, emit, use_xet=attempt == 0)
        if trouble is None:
            return
        logger.warning("Fetching %s: %s; without xet from now on", repo.name, trouble)
    raise NetworkError(
        f"{repo.name}: {trouble}, {ATTEMPTS} times in a row",
        hint="check the network; download.stall_seconds sets how long to wait, and the log may say more",
    )


def _try_to_fetch(
    repo: Repo, files: Mapping[str, hub.RemoteFile], options: DownloadConfig, emit: Emit, *, use_xet: bool
) -> str | None:
    """Return what was wrong where another try may help; None if all came.

    Raises:
        BenchyError: what the process said.
    """
    request = FetchRequest(
        name=repo.name, kind=repo.kind, commit=repo.revision or "", files=tuple(files), at_once=options.files_at_once
    )
    environment = os.environ | ({} if use_xet else {"HF_HUB_DISABLE_XET": "1"})
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "benchy.worker.fetch.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        assert process.stdin and process.stdout  # noqa: S101, PT018 - Popen was given pipes
        process.stdin.write(f"{request.model_dump_json()}\n")
        process.stdin.flush()
        process.stdout.readline()  # it is ready: importing takes seconds on a busy machine, and is no stall
        if not _watch(process, repo, files, options, emit):
            process.kill()
            return f"no byte came for {options.stall_seconds:g} s"
        said = process.stdout.read()
    if said.strip():
        raise from_data(ErrorData.model_validate_json(said))
    return f"the process that fetches ended with exit code {process.returncode}" if process.returncode else None


def _watch(
    process: subprocess.Popen[str], repo: Repo, files: Mapping[str, hub.RemoteFile], options: DownloadConfig, emit: Emit
) -> bool:
    """Tell of the bytes as they reach the disk, whoever fetches them; False once none came for too long."""
    total = sum(file.size for file in files.values())
    started = moved = time.monotonic()
    at_first = last = bytes_here(repo, files)
    while True:
        try:
            process.wait(SECONDS_BETWEEN_LOOKS)
        except subprocess.TimeoutExpired:
            here, now = bytes_here(repo, files), time.monotonic()
            if here != last:
                emit(_progress(here, total, (here - at_first) / (now - started)))
                moved, last = now, here
            elif now - moved > options.stall_seconds:
                return False
        else:
            if process.returncode == 0 and last != total:
                emit(_progress(total, total, (total - at_first) / (time.monotonic() - started)))
            return True


def _progress(done: int, total: int, rate: float) -> Progress:
    left = (total - done) / rate if rate > 0 else None
    return Progress(label="Fetching the model", done=done, total=total, unit="B", rate=rate, seconds_left=left)
