"""The published records: what is one, and which run has which name; the same in a folder and in a data set."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from benchy.errors import UploadFailed
from benchy.record import RECORD_FILE, RunRecord

RECORDS = "records"
"""The folder that holds one for each run, called as the run."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """What lies in :data:`RECORDS`, by name."""

    records: dict[str, RunRecord]
    unreadable: tuple[str, ...]
    """What is no finished run of its name: it is left where it is, and ends nothing."""

    def holds(self, record: RunRecord) -> bool:
        """Whether this run is there.

        Raises:
            UploadFailed: something else has its name.
        """
        name = record.run_name
        if name in self.unreadable:
            message = f"{RECORDS}/{name} is there, but its record cannot be read"
            raise UploadFailed(message, hint="move it away, then upload")
        there = self.records.get(name)
        if there is not None and there.run_id != record.run_id:
            message = f"{RECORDS}/{name} holds another run ({there.run_id})"
            raise UploadFailed(message, hint="rename neither; run it again")
        return there is not None


def read_stored(contents: Mapping[str, bytes | None]) -> Stored:
    """Read each record file's content by its folder's name; None is none."""
    found = {name: _parse(name, content) for name, content in contents.items()}
    records = {name: record for name, record in found.items() if record is not None}
    return Stored(records, tuple(name for name in found if name not in records))


def _parse(name: str, content: bytes | None) -> RunRecord | None:
    try:
        record = RunRecord.model_validate_json(content or b"")
        if record.evaluation is None or record.run_name != name:
            raise ValueError(f"{RECORD_FILE} is not that of a finished run of this name")  # noqa: TRY301 - told the same
    except ValueError as error:
        _log.warning("%s is not shown on the leaderboard: %s", name, " ".join(str(error).split())[:300])
        return None
    return record
