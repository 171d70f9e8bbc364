"""Fetches what will be loaded, and nothing else, from the Hub into its cache; once, whole, and at one commit."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from benchy import hub
from benchy.config import DownloadConfig, ModelConfig
from benchy.errors import ErrorData, NetworkError, from_data
from benchy.hub_failures import Repo, cache_folder
from benchy.model_files import files_to_load, find_weights, weight_files
from benchy.protocol import Progress
from benchy.record import ModelIdentity
from benchy.worker.fetch import FetchRequest

logger = logging.getLogger(__name__)

ATTEMPTS = 3
PARTS = ("tokenizer", "peft", "delta")
"""lm-eval's model arguments that may name repositories of their own."""
SECONDS_BETWEEN_LOOKS = 0.25
Emit = Callable[[Progress], None]


def download_model(model: ModelConfig, options: DownloadConfig, emit: Emit) -> ModelIdentity:
    """Fetch the model at one commit; what is in the cache already is not fetched again.

    Raises:
        ModelNotFound, ModelLoadError: no such repository or revision, or no weights that can be loaded.
        AccessDenied: private or gated, or the token is missing or not valid.
        NetworkError: the Hub cannot be reached, kept failing, or sent other bytes than it should.
        DiskFull: no space in the cache.
    """
    repo = Repo(model.name, revision=model.revision)
    if hub.is_offline():
        return _identity(model, hub.cached_commit(repo))
    return _identity(model, _fetch_commit(repo, model, options, emit))


def _fetch_commit(repo: Repo, model: ModelConfig | None, options: DownloadConfig, emit: Emit) -> str:
    """Fetch what is loaded of a repository as it is now; the commit. Without ``model`` that is no weights."""
    listing = hub.list_files(repo)
    pinned = Repo(repo.name, revision=listing.commit)
    weights: set[str] = set()
    if model is not None:
        entry = find_weights(listing.files, model)
        weights = {entry, *weight_files(entry, partial(hub.read_file, pinned))}
    files = {path: listing.files[path] for path in files_to_load(listing.files, weights)}
    download(pinned, files, options, emit)
    hub.remember_commit(repo, listing.commit)
    return listing.commit


def download_parts(model: ModelConfig, options: DownloadConfig, emit: Emit) -> tuple[ModelConfig, dict[str, str]]:
    """Fetch the further repositories that the arguments name, and name their folders instead.

    lm-eval asks for all of them at the model's own revision, which is a commit by now and means nothing there.

    Returns:
        The model with folders in its arguments, and the commit of each part.

    Raises:
        As :func:`download_model`.
    """
    args, commits = dict(model.args), {}
    for part in PARTS:
        name = args.get(part)
        if not isinstance(name, str) or Path(name).is_dir():
            continue
        repo, holds_weights = Repo(name), part != "tokenizer"
        commits[part] = (
            hub.cached_commit(repo)
            if hub.is_offline()
            else _fetch_commit(repo, ModelConfig(name=name) if holds_weights else None, options, emit)
        )
        args[part] = str(hub.repository_folder(repo) / "snapshots" / commits[part])
    return model.model_copy(update={"args": args}), commits


def download(repo: Repo, files: Mapping[str, hub.RemoteFile], options: DownloadConfig, emit: Emit) -> None:
    """Fetch files of a repository at a commit, and check each new one by its hash.

    Raises:
        As :func:`download_model`.
    """
    missing = {path: file for path, file in files.items() if not hub.blob_path(repo, file).is_file()}
    _fetch(repo, files, options, emit)
    damaged = _damaged(repo, files, missing)
    if damaged:
        logger.warning("Fetching %s again: not what the Hub's hash says", ", ".join(damaged))
        _fetch(repo, files, options, emit)
        if damaged := _damaged(repo, files, missing):
            raise NetworkError(
                f"{damaged[0]} of {repo.name} arrives damaged: its content is not what the Hub's hash says",
                hint="a proxy may change what it passes on; try again, or another network",
            )
    logger.info("%s at %s: %d files, %d of them fetched now", repo.name, repo.revision, len(files), len(missing))


def sweep(repo: Repo) -> None:
    """Remove what killed downloads left: huggingface_hub 2 never uses its ``*.incomplete`` files again.

    A download holds the lock of its blob, and a dead process holds none.
    """
    folder = hub.repository_folder(repo)
    for part in (folder / "blobs").glob("*.incomplete"):
        lock = cache_folder() / ".locks" / folder.name / f"{part.name.partition('.')[0]}.lock"
        try:
            with FileLock(lock, timeout=0):
                logger.info("Removing %s, which a download left that is gone", part.name)
                part.unlink(missing_ok=True)
        except Timeout:
            continue  # somebody fetches it now
        except OSError as error:
            logger.warning("Cannot remove %s: %s", part, error)


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
    """What was wrong where another try may help; None if all came.

    Raises:
        BenchyError: what the process said.
    """
    request = FetchRequest(
        name=repo.name, kind=repo.kind, commit=repo.revision or "", files=tuple(files), at_once=options.files_at_once
    )
    environment = os.environ | ({} if use_xet else {"HF_HUB_DISABLE_XET": "1"})
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "benchy.worker.fetch"],
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
    at_first = last = _bytes_here(repo, files)
    while True:
        try:
            process.wait(SECONDS_BETWEEN_LOOKS)
        except subprocess.TimeoutExpired:
            here, now = _bytes_here(repo, files), time.monotonic()
            if here != last:
                emit(_progress(here, total, (here - at_first) / (now - started)))
                moved, last = now, here
            elif now - moved > options.stall_seconds:
                return False
        else:
            if process.returncode == 0 and last != total:
                emit(_progress(total, total, (total - at_first) / (time.monotonic() - started)))
            return True


def _bytes_here(repo: Repo, files: Mapping[str, hub.RemoteFile]) -> int:
    parts: dict[str, int] = {}
    for part in (hub.repository_folder(repo) / "blobs").glob("*"):
        etag = part.name.partition(".")[0]
        try:
            parts[etag] = max(parts.get(etag, 0), part.stat().st_size)
        except FileNotFoundError:
            continue  # it was moved to its place
    return sum(min(parts.get(file.etag, 0), file.size) for file in files.values())


def _progress(done: int, total: int, rate: float) -> Progress:
    left = (total - done) / rate if rate > 0 else None
    return Progress(label="Fetching the model", done=done, total=total, unit="B", rate=rate, seconds_left=left)


def _damaged(repo: Repo, files: Mapping[str, hub.RemoteFile], new: Mapping[str, hub.RemoteFile]) -> list[str]:
    """Files of a wrong size, and new files with a wrong hash; they are removed from the cache."""
    wrong = []
    for path, file in files.items():
        blob = hub.blob_path(repo, file)
        if (
            not blob.is_file()
            or blob.stat().st_size != file.size
            or (path in new and hash_blob(blob, file) != file.etag)
        ):
            blob.unlink(missing_ok=True)
            (hub.repository_folder(repo) / "snapshots" / str(repo.revision) / path).unlink(missing_ok=True)
            wrong.append(path)
    return wrong


def hash_blob(path: Path, file: hub.RemoteFile) -> str:
    """The hash that the Hub names a file by: SHA-256 of LFS files, git's SHA-1 of a blob for all others."""
    is_lfs = len(file.etag) == 64
    digest = hashlib.sha256() if is_lfs else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    with path.open("rb") as content:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _identity(model: ModelConfig, commit: str) -> ModelIdentity:
    return ModelIdentity(name=model.name, source="hub", commit=commit)
