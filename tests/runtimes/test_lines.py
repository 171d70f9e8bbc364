"""What a worker says without an end, or draws over and over, takes neither memory nor time."""

from __future__ import annotations

import time

import pytest

from benchy.runtimes.lines import read_lines

LONGEST = 1000


def lines_of(*chunks: bytes) -> list[str]:
    return [line for lines in read_lines(chunks, longest=LONGEST) for line in lines]


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ((b"one\ntwo\n",), ["one", "two"]),
        ((b"o", b"ne\nt", b"wo"), ["one", "two"]),
        ((b"\n\n",), ["", ""]),
        ((b"dos\r\nline\r\n",), ["dos", "line"]),
        ((b"dos\r", b"\nline\r\r\n"), ["dos", "line"]),
        ((b" 10%\r 20%\r 30%\nnext\n",), [" 30%", "next"]),
        ((b" 10%\r", b" 20%\r", b"done"), ["done"]),
        ((b"10%", b"\r20%", b"\r", b"\r", b"\nnext"), ["20%", "next"]),
        (("é".encode()[:1], "é".encode()[1:] + b"\n"), ["é"]),
        ((b"\xff\n",), ["\ufffd"]),
        (
            (b"x" * 600, b"y" * 600, b"\nshort\n"),
            ["x" * 600 + "y" * 400 + " [200 bytes of this line are left out]", "short"],
        ),
        ((b"x" * 5000 + b"\rshort\n",), ["short"]),
        ((), []),
    ],
)
def test_a_line_is_what_a_terminal_would_show_of_it(chunks: tuple[bytes, ...], lines: list[str]) -> None:
    assert lines_of(*chunks) == lines


@pytest.mark.parametrize("chunk", [b"x" * (1 << 16), b"\r 50% of it"], ids=["no line end", "a bar in small writes"])
def test_many_bytes_without_a_line_end_take_linear_time(chunk: bytes) -> None:
    """64 MB without a line end took 17 s, 16 MB of a bar in small writes 162 s, and 300 MB hung."""
    few, many = (seconds(chunk, 1 << size) for size in (20, 23))
    assert many < 8 * max(few, 0.05) * 3


def seconds(chunk: bytes, size: int) -> float:
    started = time.perf_counter()
    assert len(lines_of(*([chunk] * (size // len(chunk))))) == 1
    return time.perf_counter() - started
