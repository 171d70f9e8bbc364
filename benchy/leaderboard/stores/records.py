"""Reads the published records of a store: what is one, in which order they came, and what is set aside."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from benchy.errors import UploadFailed
from benchy.hashing import hash_content
from benchy.leaderboard.judging import find_impossible
from benchy.record import RECORD_FILE, RunRecord

RECORDS = "records"
"""The folder that holds one for each run, called as the run."""
RECEIVED_FILE = "received.json"
CHANGED = "its record was changed since it was published"

_log = logging.getLogger(__name__)


class Received(BaseModel):
    """``received.json``: every run of a store in the order in which it came, which no run's own clock decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: dict[str, str] = {}
    """SHA-256 of each run's ``record.json`` by the run's name."""

    def to_bytes(self) -> bytes:
        """As the file's content."""
        return (self.model_dump_json(indent=2) + "\n").encode()


@dataclass(frozen=True)
class Stored:
    """What lies in :data:`RECORDS`, by name."""

    records: dict[str, RunRecord]
    """In the order in which the store received them."""
    set_aside: dict[str, str] = field(default_factory=dict)
    """What is no finished run of its name, or cannot be ranked, and why: left where it is, and it stops nobody."""
    received: Received = field(default_factory=Received)
    """Of all runs that are there, also those whose record was changed since."""

    def holds(self, record: RunRecord, content: bytes) -> bool:
        """Return whether this run is there as it is published; one whose record was changed is to be put back.

        Raises:
            UploadFailed: something else has its name.
        """
        name = record.run_name
        if self.set_aside.get(name) == CHANGED and self.received.runs[name] == hash_content(content):
            return False
        if name in self.set_aside:
            message = f"{RECORDS}/{name} is there, but {self.set_aside[name]}"
            raise UploadFailed(message, hint="move it away, then upload")
        there = self.records.get(name)
        if there is not None and there.run_id != record.run_id:
            message = f"{RECORDS}/{name} holds another run ({there.run_id})"
            raise UploadFailed(message, hint="rename neither; run it again")
        return there is not None

    def with_record(self, record: RunRecord, content: bytes) -> Stored:
        """Return the same with one record more, received last; or put back, where it was before."""
        name = record.run_name
        received = self.received.runs | {name: hash_content(content)}
        records = {**self.records, name: record}
        set_aside = {other: why for other, why in self.set_aside.items() if other != name}
        return Stored({run: records[run] for run in received if run in records}, set_aside, Received(runs=received))

    def without(self, problems: Mapping[str, str]) -> Stored:
        """Return the same with these records set aside."""
        _warn(problems)
        kept = {name: record for name, record in self.records.items() if name not in problems}
        return Stored(kept, {**self.set_aside, **problems}, self.received)


def read_stored(contents: Mapping[str, bytes | None], received: bytes | None = None) -> Stored:
    """Read each record file's content by its folder's name; None is none.

    Runs that the store does not know yet, of older versions or put there by hand, come after those that it knows.
    """
    known = {name: known for name, known in _read_received(received).runs.items() if name in contents}
    found = {name: _parse(name, content or b"", known.get(name)) for name, content in contents.items()}
    set_aside = {name: problem for name, problem in found.items() if isinstance(problem, str)}
    records = {name: record for name, record in found.items() if isinstance(record, RunRecord)}
    _warn(set_aside)
    new = sorted(records.keys() - known.keys(), key=lambda name: _age(records[name]))
    all_known = known | {name: hash_content(contents[name] or b"") for name in new}
    return Stored({name: records[name] for name in all_known if name in records}, set_aside, Received(runs=all_known))


def _warn(problems: Mapping[str, str]) -> None:
    for name, problem in problems.items():
        _log.warning("%s is not shown on the leaderboard: %s", name, problem)


def _age(record: RunRecord) -> tuple[float, str]:
    return (record.ended_at or record.started_at).timestamp(), record.run_name


def _read_received(content: bytes | None) -> Received:
    try:
        return Received.model_validate_json(content) if content else Received()
    except ValueError:
        _log.warning("%s cannot be read, and is made anew", RECEIVED_FILE)
        return Received()


def _parse(name: str, content: bytes, known: str | None) -> RunRecord | str:
    """Return the record, or why it does not count."""
    if known is not None and hash_content(content) != known:
        return CHANGED
    try:
        record = RunRecord.model_validate_json(content)
    except (ValueError, RecursionError) as error:
        return f"its record cannot be read: {' '.join(str(error).split())[:300]}"
    if record.evaluation is None or record.run_name != name:
        return f"{RECORD_FILE} is not that of a finished run of this name"
    return find_impossible(record) or record
