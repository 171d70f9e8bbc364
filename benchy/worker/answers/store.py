"""Keeps every answer that the model gave in a run, at once, so that a crash loses only the batch in flight."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from benchy.worker.backends.texts import CutText, clean_text

logger = logging.getLogger(__name__)

MISSING: Final = object()
SECONDS_BETWEEN_SYNCS = 1.0

Kept = tuple[str, Any]
"""A request's key, and its answer."""


class AnswerStore:
    """One file of JSON lines, one line a batch; a line that a crash cut short was never written.

    Appending is 30 us a batch where SQLite with a write-ahead log takes 300, needs no locks of the file system, which
    volumes of containers may lack, and a killed process loses nothing that it wrote. The disk is told to write at most
    once a second, so that a lost host costs a second.

    A line belongs to an identity: the model's content and all else that decides what it answers. Lines of other
    identities are never read. Of a request that occurs n times, n answers are kept, in the order of the occurrences.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        """Open or make the file, and read what is there.

        Raises:
            OSError: the file cannot be read or written.
        """
        text = json.dumps(identity, sort_keys=True, default=str)
        self._identity = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._answers: dict[str, list[Any]] = defaultdict(list)
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._notes: dict[str, Any] = {}
        self._synced = 0.0
        self._file = path.open("a+b", buffering=0)
        self._read(path)

    def __len__(self) -> int:
        return sum(map(len, self._answers.values()))

    def take(self, keys: Sequence[str], *, seen: Counter[str] | None = None) -> list[Any]:
        """Return the answer to each of these requests, or ``MISSING``.

        Args:
            keys: what is asked for, all occurrences in order.
            seen: how often each key was asked for before; counted on.
        """
        seen = Counter() if seen is None else seen
        found = []
        for key in keys:
            kept = self._answers.get(key, ())
            found.append(kept[seen[key]] if seen[key] < len(kept) else MISSING)
            seen[key] += 1
        return found

    def seconds(self, keys: Iterable[str]) -> float:
        """How long the model took for what :meth:`take` gives for these requests."""
        asked = Counter(keys)
        return sum(sum(self._seconds.get(key, ())[:times]) for key, times in asked.items())

    def keep(self, batch: Sequence[Kept], *, seconds: float = 0.0, random_state: bytes | None = None) -> None:
        """Write a batch's answers, wholly or not at all.

        Args:
            batch: keys and answers.
            seconds: how long the model took for them.
            random_state: what the next batch's random numbers come from, if the batch drew any.

        Raises:
            OSError: they cannot be written.
        """
        answers = [(key, _as_data(answer)) for key, answer in batch]
        line: dict[str, Any] = {"seconds": round(seconds, 6), "answers": answers}
        if random_state is not None:
            line["random_state"] = base64.b85encode(random_state).decode()
        self._write(line)
        self._learn(line)

    def note(self, about: str, value: Any) -> None:
        """Write down something else to go on with. Raises OSError."""
        self._write({"note": {about: value}})
        self._notes[about] = value

    def noted(self, about: str) -> Any:
        """Return what was noted last; None if nothing was."""
        return self._notes.get(about)

    @property
    def random_state(self) -> bytes | None:
        """Of the last batch that drew random numbers."""
        state = self._notes.get("random_state")
        return base64.b85decode(state) if state is not None else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _learn(self, line: dict[str, Any]) -> None:
        batch = line.get("answers", ())
        for key, answer in batch:
            self._answers[key].append(_from_data(answer))
            self._seconds[key].append(line.get("seconds", 0.0) / len(batch))
        self._notes |= line.get("note", {})
        if "random_state" in line:
            self._notes["random_state"] = line["random_state"]

    def _write(self, line: dict[str, Any]) -> None:
        rest = memoryview(json.dumps({"of": self._identity, **line}).encode() + b"\n")
        while rest:
            rest = rest[self._file.write(rest) :]
        if time.monotonic() - self._synced > SECONDS_BETWEEN_SYNCS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def _read(self, path: Path) -> None:
        whole = 0
        with path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                if not text.endswith(b"\n"):
                    break
                whole += len(text)
                try:
                    line = _parsed(text)
                except (ValueError, RecursionError):
                    logger.warning("%s: line %d is damaged; its requests are asked again", path, number)
                    continue
                if line["of"] == self._identity:
                    self._learn(line)
        self._file.truncate(whole)


class _Line(BaseModel):
    """The shape of a line; what another program wrote there has none."""

    model_config = ConfigDict(strict=True, extra="forbid")

    of: str
    seconds: float = 0.0
    answers: list[Annotated[list[Any], Field(min_length=2, max_length=2)]] = []
    note: dict[str, Any] = {}
    random_state: str | None = None

    @field_validator("answers")
    @classmethod
    def _require_keys(cls, answers: list[list[Any]]) -> list[list[Any]]:
        if not all(isinstance(key, str) for key, _ in answers):
            raise ValueError("an answer without a key")
        return answers


def _parsed(text: bytes) -> dict[str, Any]:
    """Return a line. Raises ValueError if it is none, and RecursionError if it is very deep."""
    line: dict[str, Any] = json.loads(text)
    _Line.model_validate(line)
    return line


def _as_data(answer: Any) -> Any:
    """As JSON holds it."""
    return {"cut": answer} if isinstance(answer, CutText) else answer


def _from_data(data: Any) -> Any:
    if isinstance(data, str):
        return clean_text(data)
    if isinstance(data, dict):
        return clean_text(CutText(data.get("cut", "")))
    return tuple(data) if isinstance(data, list) else data
