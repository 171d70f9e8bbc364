"""Reads the folder of a finished run."""

from __future__ import annotations

from pathlib import Path

from benchy.errors import UploadFailed
from benchy.record import RECORD_FILE, RunRecord, is_edited, read_record, why_unreadable
from benchy.regular_files import is_plain_name


def require_file(folder: Path, name: str) -> Path:
    """Return a file of lm-eval's in a run's folder.

    Raises:
        UploadFailed: it is not there, or the record names something else than a file of that folder.
    """
    path = folder / require_plain_name(name, folder)
    if path.is_symlink() or not path.is_file():
        raise UploadFailed(f"lm-eval's own file {path} is missing", hint="put it back, or run the evaluation again")
    return path


def read_finished(folder: Path) -> RunRecord:
    """Return the record of a run that can be published: one with scores, whatever happened to it afterwards.

    Raises:
        UploadFailed: there is no record, it was edited, or the run has not been evaluated.
    """
    try:
        record, edited = read_record(folder), is_edited(folder)
    except (OSError, ValueError, RecursionError) as error:
        raise UploadFailed(
            f"{folder} holds no readable record: {why_unreadable(error)}", hint="name a run's folder"
        ) from error
    if edited:
        raise UploadFailed(
            f"{folder / RECORD_FILE} was edited since Benchy wrote it, and is not published as it stands",
            hint=f"put the record back as it was, or run it again; `benchy verify {folder}` says what differs",
        )
    require_scores(record)
    return record


def require_scores(record: RunRecord) -> None:
    """Check that a run has been evaluated.

    Raises:
        UploadFailed: it has not.
    """
    if record.evaluation is None:
        ended = f": {record.error.message}" if record.error else ""
        raise UploadFailed(
            f"{record.run_name} has no scores: it is {record.status}{ended}",
            hint="start the run again; it uploads when it has been evaluated",
        )


def require_plain_name(name: str, folder: Path) -> str:
    """Refuse a name with which a record that was tampered with makes files elsewhere, or publishes them."""
    if not is_plain_name(name):
        raise UploadFailed(f'the record in {folder} names "{name}", which is no plain file name', hint="run it again")
    return name
