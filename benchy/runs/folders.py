"""Where runs lie: the folder of a new run with its first record, and those of runs that may go on."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath
from typing import NamedTuple

from filelock import BaseFileLock, FileLock, Timeout

from benchy import __version__
from benchy.checkpoint.source import folder_name
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, DiskFull, is_disk_full
from benchy.record import (
    ANSWERS_FILES,
    RECORD_FILE,
    Facts,
    RunRecord,
    is_edited,
    now,
    read_record,
    why_unreadable,
    write_record,
)


class RunFolder(NamedTuple):
    """A run on disk."""

    path: Path
    record: RunRecord


def new_run_name(config: BenchmarkConfig, run_id: str) -> str:
    """``[TEST_]<model>_<time>_<id>``; the time is UTC."""
    return f"{'TEST_' if config.is_test else ''}{_slug(config)}_{now():%Y%m%d-%H%M%S}_{run_id[:8]}"


LONGEST_SLUG = 100
"""Characters of a model's name in names of files, of which Linux takes 255."""


def _slug(config: BenchmarkConfig) -> str:
    """Of an absolute path the last part: the rest is this host's, and the run's name is published."""
    name = folder_name(config.model.name)
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", PurePath(name).name if name.startswith("/") else name)
    return plain[:LONGEST_SLUG].strip("-.") or "model"


def make_run_folder(config: BenchmarkConfig, facts: Facts, runtime: str, flow_run_id: str | None) -> RunFolder:
    """Return a new run: its folder, with the record that says that it started.

    Raises:
        ConfigError: the folder cannot be written.
    """
    run_id = flow_run_id or str(uuid.uuid4())
    folder = Path(config.evaluation.output_path) / new_run_name(config, run_id)
    log_file = _new_log_file(config)
    record = RunRecord(
        run_name=folder.name,
        run_id=run_id,
        status="started",
        is_test=config.is_test,
        started_at=now(),
        benchy_version=__version__,
        config=config,
        log_file=str(log_file),
        runtime=runtime,
        facts=facts,
        flow_run_id=flow_run_id,
    )
    try:
        folder.mkdir(parents=True)
        log_file.parent.mkdir(parents=True, exist_ok=True)
        log_file.touch()
        save_record(record, folder)
    except OSError as error:
        raise ConfigError(
            f"cannot write to {error.filename or folder}: {error.strerror}",
            hint="set evaluation.output_path and logging.log_dir to folders that can be written",
        ) from error
    return RunFolder(folder, record)


def _new_log_file(config: BenchmarkConfig) -> Path:
    return Path(config.logging.log_dir) / f"benchy_{_slug(config)}_{now():%Y%m%d-%H%M%S-%f}.log"


def log_path(config: BenchmarkConfig, record: RunRecord) -> Path:
    """Return where a run's log goes on: in the config's folder, whatever path a record names."""
    name = Path(record.log_file).name
    ours = re.fullmatch(r"benchy_[\w.-]+\.log", name)
    return Path(config.logging.log_dir) / name if ours else _new_log_file(config)


class Found(NamedTuple):
    """What a search for a run to go on with found."""

    run: RunFolder | None = None
    problems: tuple[str, ...] = ()
    """Records that might be the one, and cannot be read."""


def find_of_flow_run(config: BenchmarkConfig, flow_run_id: str) -> Found:
    """Return the run that a flow run of Prefect's began before it was retried."""
    folders = sorted(Path(config.evaluation.output_path).glob(f"*_{flow_run_id[:8]}"))
    return _first(folders, config, lambda record, _folder: record.run_id == flow_run_id)


def find_cut_short(config: BenchmarkConfig) -> Found:
    """Return the newest run of a config that kept answers or waits to be published, and is not going on elsewhere."""
    outputs = Path(config.evaluation.output_path)
    folders = {path.parent for path in outputs.glob(f"*/{RECORD_FILE}")}
    folders |= {path.parent.parent for path in outputs.glob(f"*/{ANSWERS_FILES}")}
    newest_first = sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True)
    return _first(newest_first, config, _was_cut_short)


def _was_cut_short(record: RunRecord, folder: Path) -> bool:
    if record.evaluation is not None:
        return record.is_unpublished and not is_open(folder)
    return any(folder.glob(ANSWERS_FILES)) and not is_open(folder)


def _first(folders: Iterable[Path], config: BenchmarkConfig, fits: Callable[[RunRecord, Path], bool]) -> Found:
    problems = []
    for folder in folders:
        try:
            record = _read_own(folder)
        except (OSError, ValueError) as error:
            problems.append(f"{folder / RECORD_FILE} cannot be read: {why_unreadable(error)}")
            continue
        taken_up = record.taken_up_with(config)
        if taken_up is not None and fits(taken_up, folder):
            return Found(RunFolder(folder, taken_up), tuple(problems))
    return Found(None, tuple(problems))


def _read_own(folder: Path) -> RunRecord:
    """Return the record as Benchy wrote it for this folder.

    It is published without a further look at who else wrote it.
    """
    record = read_record(folder)
    if is_edited(folder) or record.run_name != folder.name:
        raise ValueError("it is not the one that Benchy wrote for this folder")
    return record


def is_open(folder: Path) -> bool:
    """Tell whether a process holds a run; never of a folder that cannot be written here."""
    try:
        with lock_of(folder).acquire(blocking=False):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def lock_of(folder: Path) -> BaseFileLock:
    """Held while the run is open; gone with the process that holds it."""
    return FileLock(folder / ".lock")


def save_record(record: RunRecord, folder: Path) -> None:
    """Write the record.

    Raises:
        DiskFull: there is no space left.
        OSError: the folder cannot be written.
    """
    try:
        write_record(record, folder)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull(f"no space left for {folder / 'record.json'}") from error
        raise
