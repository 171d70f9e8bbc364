"""Verifies finished runs: hashes, signatures, and scores recomputed by lm-eval's own metrics in a worker."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from benchy.config import PerformanceConfig, UploadConfig
from benchy.errors import BenchyError, ConfigError
from benchy.home_folders import with_home
from benchy.hub import Repo, naming_failures, read_token
from benchy.leaderboard.stores.records import RECORDS
from benchy.leaderboard.verification import find_changes, find_wrong_board, read_board
from benchy.protocol import Recompute
from benchy.record import RECORD_FILE, Recomputed, is_edited, read_record, why_unreadable
from benchy.runs.publishing import config_without_model
from benchy.runtimes.base import RunIdentity, Say
from benchy.runtimes.choose import choose_runtime, load_runtime
from benchy.runtimes.client import Worker
from benchy.runtimes.launch import launch_of
from benchy.runtimes.time_limits import TimeLimits

MOST_SECONDS = 900.0
"""For one run: samples that somebody made up may keep a metric busy for ever."""


@dataclass(frozen=True)
class Verdict:
    """What was found out of one run, or of a leaderboard's own files."""

    name: str
    differences: tuple[str, ...]
    """What is not as it was; nothing if all is well."""
    scores: int = 0
    """How many were recomputed."""
    left_out: tuple[str, ...] = ()
    """Which could not be, and why."""


def verify(where: str, *, public_key: str | None, say: Say) -> Iterator[Verdict]:
    """Verify a run's folder, or each run of a leaderboard.

    Args:
        where: a run's folder, a leaderboard's folder, or ``hf://datasets/ORG/NAME``.
        public_key: of whoever must have signed each run (PEM); None where that is not asked.
        say: gets the worker's log.

    Raises:
        ConfigError: there is neither a run nor a leaderboard.
        BenchyError: as the Hub's or the worker's.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(_fetched(where))
        worker = stack.enter_context(closing(_Recomputer(folder, say)))
        if (folder / RECORD_FILE).exists():
            yield _verify_run(folder, worker, public_key)
            return
        if not (folder / RECORDS).is_dir():
            raise ConfigError(f"{where} holds neither a run nor a leaderboard", hint="name a folder of one of them")
        stored = read_board(folder)
        yield Verdict("leaderboard", tuple(find_wrong_board(folder, stored)))
        yield from (Verdict(name, (why,)) for name, why in stored.set_aside.items())
        for name in stored.records:
            yield _verify_run(folder / RECORDS / name, worker, public_key)


def _verify_run(folder: Path, worker: _Recomputer, public_key: str | None) -> Verdict:
    try:
        record, edited = read_record(folder), is_edited(folder)
        changes = [*(["record.json was edited since Benchy wrote it"] if edited else [])]
        changes += find_changes(folder, record, public_key=public_key)
        found = worker.recompute(Recompute(record=record, run_folder=str(folder.resolve())))
    except (OSError, ValueError, RecursionError) as error:
        return Verdict(folder.name, (f"its record cannot be read: {why_unreadable(error)}",))
    except BenchyError as error:
        return Verdict(folder.name, (*changes, error.message))
    return Verdict(folder.name, (*changes, *found.differences), found.scores, found.left_out)


def read_public_key(path: Path | None) -> str | None:
    """Return what a PEM file holds.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8") if path else None
    except (OSError, ValueError) as error:
        raise ConfigError(f"the key {path} cannot be read: {error}", hint="name a PEM file") from error


@contextmanager
def _fetched(where: str) -> Iterator[Path]:
    """Provide the folder itself, or a copy of what a dataset holds."""
    try:
        name = UploadConfig(to=where).data_set
    except ValidationError as error:
        raise ConfigError(
            f'"{where}" is neither a folder nor hf://datasets/ORG/NAME', hint="name a run's or a leaderboard's"
        ) from error
    if name is None:
        yield with_home(where)
        return
    from huggingface_hub import snapshot_download

    repo = Repo(name, kind="dataset")
    with tempfile.TemporaryDirectory() as folder:
        with naming_failures(repo):
            snapshot_download(name, repo_type="dataset", local_dir=folder, token=read_token())
        yield Path(folder)


class _Recomputer:
    """A worker that recomputes one run after the other; another one where the first is gone."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._identity = RunIdentity("verify", str(uuid.uuid4()), folder.absolute())
        self._say = say
        self._worker: Worker | None = None

    def recompute(self, request: Recompute) -> Recomputed:
        """Return what the worker found; a run that takes longer than :data:`MOST_SECONDS` ends it, and no other run.

        Raises:
            BenchyError: as the worker's.
        """
        if self._worker is None:
            self._worker = self._started()
        try:
            limits = TimeLimits(PerformanceConfig(run_timeout=MOST_SECONDS))
            return self._worker.request(request, lambda _event: None, limits)
        finally:
            if not self._worker.alive:
                self.close()

    def _started(self) -> Worker:
        config = config_without_model()
        launch = launch_of(config, self._identity.folder, role="publish")
        return Worker(load_runtime(choose_runtime(config)).start(launch, self._identity, say=self._say), self._say)

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
        self._worker = None
