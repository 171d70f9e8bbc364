"""The ranks of one worker: with ``accelerate launch`` several processes do each request; rank 0 alone hears the host.

All inherit the launcher's stdin; rank 0 reads it and hands each line on over a socket. When the host dies, rank 0's
input ends, and with it the sockets. A rank that dies is noticed by the launcher, which ends the others.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import BinaryIO

MEETING_SECONDS = 120.0
"""How long the ranks wait for each other before the first request."""


class RankDone(BaseException):  # no failure, which a handler of Exception would name
    """A rank other than 0 has done its part of a request: lm-eval gathers all results on rank 0."""


def own_rank() -> int:
    """As the launcher numbered this process; 0 without one."""
    return int(os.environ.get("RANK", "0"))


def join_ranks(timeout: float) -> None:
    """Begin torch's process group, if there are several ranks: lm-eval would begin it with a timeout of 52 weeks.

    Args:
        timeout: for so many seconds a rank waits for the others, now and in each collective; then it raises.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return
    from accelerate import PartialState

    os.environ.setdefault("TORCH_NCCL_BLOCKING_WAIT", "1")  # raise, where NCCL would abort the process
    PartialState(timeout=timedelta(seconds=timeout))


def request_lines(stdin: BinaryIO) -> Iterator[bytes]:
    """Yield the host's requests, for any rank, until the host is gone.

    Raises:
        OSError: the other ranks did not come.
    """
    others = int(os.environ.get("WORLD_SIZE", "1")) - 1
    if own_rank() == 0:
        yield from _handed_on(stdin, _meet(others)) if others else stdin
    else:
        with _join() as leader, leader.makefile("rb") as lines:
            yield from lines


def _handed_on(lines: Iterable[bytes], others: list[socket.socket]) -> Iterator[bytes]:
    for line in lines:
        for other in others:
            other.sendall(line)
        yield line
    for other in others:
        other.close()


def _meeting_place() -> str:
    """Return an abstract Unix socket (man 7 unix).

    No file is left. The ranks have the launcher as their common parent.
    """
    return f"\0benchy-ranks-of-{os.getppid()}"


def _meet(others: int) -> list[socket.socket]:
    met: list[socket.socket] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(_meeting_place())
        listener.listen(others)
        listener.settimeout(MEETING_SECONDS)
        while len(met) < others:
            other, _ = listener.accept()
            if _user_of(other) == os.getuid():
                met.append(other)
            else:
                other.close()
    return met


def _user_of(peer: socket.socket) -> int:
    """Return the peer's user: a request may hold a token, and an abstract socket has no permissions."""
    _pid, uid, _gid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(uid)


def _join() -> socket.socket:
    deadline = time.monotonic() + MEETING_SECONDS
    while True:
        leader = socket.socket(socket.AF_UNIX)
        try:
            leader.connect(_meeting_place())
        except OSError:
            leader.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return leader
