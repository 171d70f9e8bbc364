"""Cuts a worker's streams into lines of bounded length, in time that grows with the bytes alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def read_lines(chunks: Iterable[bytes], *, longest: int, cut: bool = True) -> Iterator[list[str]]:
    """Yield the lines that end in each chunk, and at last the one without an end; see :class:`LineCutter`.

    Raises:
        ValueError: a line is longer, and ``cut`` is false.
    """
    cutter = LineCutter(longest)
    for chunk in chunks:
        if lines := cutter.feed(chunk):
            yield lines
        if cutter.has_cut and not cut:
            raise ValueError(f"a line of more than {longest:,} bytes")
    if last := cutter.rest():
        yield [last]


class LineCutter:
    """Puts lines together from chunks.

    A line is what a terminal would show of it: a bar that is drawn over and over, with carriage returns, is its last
    state. Of a line longer than ``longest`` bytes the rest is counted and named, and never held.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._line = bytearray()
        self._left_out = 0
        self._returned = False
        """The next byte is drawn over what the line holds."""
        self.has_cut = False
        """Some line was longer."""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that end in this chunk."""
        *ended, tail = chunk.split(b"\n")
        lines = []
        for part in ended:
            self._add(part)
            lines.append(self._take())
        self._add(tail)
        return lines

    def rest(self) -> str:
        """Return the line that never ended; empty if there is none."""
        return self._take()

    def _add(self, part: bytes) -> None:
        drawn = part.rstrip(b"\r")
        _, over, last = drawn.rpartition(b"\r")
        if over or (drawn and self._returned):
            self._clear()
        room = self._longest - len(self._line)
        self._line += last[:room]
        self._left_out += max(0, len(last) - room)
        self.has_cut |= self._left_out > 0
        self._returned = len(drawn) < len(part) or (self._returned and not drawn)

    def _take(self) -> str:
        text = self._line.decode(errors="replace")
        if self._left_out:
            text += f" [{self._left_out:,} bytes of this line are left out]"
        self._clear()
        return text

    def _clear(self) -> None:
        self._line.clear()
        self._left_out, self._returned = 0, False
