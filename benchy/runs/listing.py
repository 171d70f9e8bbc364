"""Lists the runs below a folder, and finds one of them by a part of its name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchy.errors import ConfigError
from benchy.home_folders import with_home
from benchy.record import RECORD_FILE, RunRecord, read_record, why_unreadable
from benchy.runs.folders import is_open

State = Literal["running", "published", "evaluated", "failed", "interrupted", "cut short"]
MOST_NAMED = 5


@dataclass(frozen=True)
class ListedRun:
    """A run on disk, as it is now."""

    folder: Path
    record: RunRecord
    is_open: bool
    """A process goes on with it."""

    @property
    def state(self) -> State:
        """The record's status, but for a run that goes on, or whose process ended before it did."""
        if self.is_open:
            return "running"
        match self.record.status:
            case "started" | "tested":
                return "cut short"
            case "evaluated" if self.record.is_unpublished:
                return "cut short"
            case status:
                return status


@dataclass(frozen=True)
class Unreadable:
    """A folder whose record cannot be read."""

    folder: Path
    reason: str


def list_runs(outputs: Path) -> Iterator[ListedRun | Unreadable]:
    """Yield the runs whose folders lie in one folder, those that began last first.

    Raises:
        ConfigError: there is no such folder.
    """
    if not outputs.is_dir():
        raise ConfigError(f'no folder "{outputs}"', hint="name the folder of evaluation.output_path")
    found = [_read(path.parent) for path in outputs.glob(f"*/{RECORD_FILE}")]
    yield from (each for each in found if isinstance(each, Unreadable))
    runs = [each for each in found if isinstance(each, ListedRun)]
    yield from sorted(runs, key=lambda run: run.record.started_at, reverse=True)


def find_run(text: str, outputs: Path) -> ListedRun:
    """Return the run of this folder, or the one run below ``outputs`` whose name holds this text.

    Raises:
        ConfigError: there is none, there are several, or its record cannot be read.
    """
    folder = with_home(text)
    if not (folder / RECORD_FILE).exists():
        names = [path.parent.name for path in outputs.glob(f"*/{RECORD_FILE}")]
        matches = [text] if text in names else sorted(name for name in names if text in name)
        if len(matches) != 1:
            raise _not_one(text, matches, names, outputs)
        folder = outputs / matches[0]
    found = _read(folder)
    if isinstance(found, Unreadable):
        raise ConfigError(f"{folder / RECORD_FILE} cannot be read: {found.reason}")
    return found


def _read(folder: Path) -> ListedRun | Unreadable:
    try:
        return ListedRun(folder, read_record(folder), is_open(folder))
    except (OSError, ValueError, RecursionError) as error:
        return Unreadable(folder, why_unreadable(error))


def _not_one(text: str, matches: list[str], names: list[str], outputs: Path) -> ConfigError:
    if matches:
        more = f" and {len(matches) - MOST_NAMED} more" if len(matches) > MOST_NAMED else ""
        return ConfigError(f'"{text}" may be {", ".join(matches[:MOST_NAMED])}{more}', hint="name one of them whole")
    near = difflib.get_close_matches(text, names, n=3, cutoff=0.4)
    return ConfigError(
        f'no run "{text}" in {outputs}', hint=f"did you mean {' or '.join(near)}?" if near else "`benchy ls` lists them"
    )
