"""BenchyError, the base of the tree: what failed, what to do, and its journey from the worker to the host as data."""

from __future__ import annotations

import re
from typing import ClassVar, Self

from benchy.frozen import FrozenModel
from benchy.masking import mask


class ErrorData(FrozenModel):
    """An error as plain data: in the protocol and in the record."""

    kind: str
    """The name of the class in this module."""
    message: str
    """What failed, in one line."""
    hint: str = ""
    """What to do about it."""
    transient: bool = False
    """Whether the same request may succeed when it is tried again."""
    traceback: str = ""
    """Where it was raised, for the log; never shown on the terminal."""

    def without_traceback(self) -> Self:
        """Return it as it is kept in a record."""
        return self._with(traceback="")


LONGEST_MESSAGE = 1200
"""Characters of what failed."""
LONGEST_HINT = 400
"""Characters of all that there is to do."""
LONGEST_OF_ALL = 1800
"""Characters of one failure with all that is told of it."""
_SHORTEST_HINT = 64
"""Characters below which a part of a hint says nothing."""
_LONG_WORD = re.compile(r"\S{300,}")


def shortened(text: str) -> str:
    """Return a message with all that it quotes cut to what a person reads.

    What no file or terminal takes is escaped.
    """
    return _cut(_without_long_words(text), LONGEST_MESSAGE)


def _without_long_words(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return _LONG_WORD.sub(lambda word: _cut(word[0], 200), text)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: max(most - 63, 0)]} … {text[-60:]}"[-most:]


class BenchyError(Exception):
    """What every error of Benchy is; ``str(error)`` is what failed, ``hint`` what to do."""

    exit_code: ClassVar[int] = 1
    default_hint: ClassVar[str] = ""
    default_transient: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", transient: bool | None = None, traceback: str = "") -> None:
        self.message = shortened(mask(message))
        super().__init__(self.message)
        self.hint = ""
        self.transient = self.default_transient if transient is None else transient
        self.traceback = mask(traceback)
        if hint or self.default_hint:
            self.add_hint(hint or self.default_hint)

    def add_hint(self, more: str) -> None:
        """Say what (else) to do, as far as there is room for it."""
        before = f"{self.hint}; then " if self.hint else ""
        room = LONGEST_HINT - len(before)
        if room < _SHORTEST_HINT:
            return
        more = _cut(_without_long_words(mask(more)), room)
        self.hint = f"{before}{more}"
        self.add_note(f"→ {more}")  # so it ends each traceback, also in Prefect's log

    def add_problem(self, other: BenchyError) -> None:
        """Tell of another thing that is wrong, as far as there is room for it."""
        notes = getattr(self, "__notes__", [])
        room = LONGEST_OF_ALL - len(self.message) - sum(map(len, notes))
        said = f"{type(other).__name__}: {other.message}"
        if room < _SHORTEST_HINT:
            return
        self.add_note(_cut(f"also {said}", room))
        if other.hint and len(said) + len(other.hint) < room:
            self.add_note(f"→ {other.hint}")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as data, since Prefect carries exceptions between processes."""
        return from_data, (self.to_data(),)

    def to_data(self) -> ErrorData:
        """Return this error as plain data."""
        return ErrorData(
            kind=type(self).__name__,
            message=self.message,
            hint=self.hint,
            transient=self.transient,
            traceback=self.traceback,
        )


def _subclasses(cls: type[BenchyError]) -> dict[str, type[BenchyError]]:
    found = {cls.__name__: cls}
    for child in cls.__subclasses__():
        found |= _subclasses(child)
    return found


def quoted(data: ErrorData) -> BenchyError:
    """Return the error of a process in which code of a model runs: in quotation marks, and without its advice."""
    cls = _subclasses(BenchyError).get(data.kind, BenchyError)
    return cls(f'the worker says: "{data.message}"', transient=data.transient, traceback=data.traceback)


def from_data(data: ErrorData) -> BenchyError:
    """Return the error that ``data`` describes, as its own class.

    An unknown kind becomes a plain :class:`BenchyError`.
    """
    cls = _subclasses(BenchyError).get(data.kind, BenchyError)
    return cls(data.message, hint=data.hint, transient=data.transient, traceback=data.traceback)
