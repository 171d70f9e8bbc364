"""Read a request, do it, answer; end when the input ends."""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

from benchy.errors import ErrorData
from benchy.protocol import Hello, Phase, Progress, decode_hello, encode_event, encode_hello, encode_reply
from benchy.worker.dispatch import answer_line
from benchy.worker.progress import redirect_progress_bars
from benchy.worker.ranks import own_rank, request_lines
from benchy.worker.session import Session

EXIT_ORPHANED = 3


def main() -> None:
    """Serve requests until stdin ends."""
    if mask := os.environ.get("BENCHY_UMASK"):
        os.umask(int(mask, 8))
    incoming, answers = _claim_stdin(), _claim_stdout()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # else it tells of each request to the Hub
    requests: queue.Queue[bytes | None] = queue.Queue()
    busy = threading.Event()
    threading.Thread(target=_read_requests, args=(incoming, requests, busy), daemon=True).start()
    emit = _writer(answers) if own_rank() == 0 else _say_nothing
    if own_rank() == 0:
        answers.write(encode_hello())
    redirect_progress_bars(emit)
    session = Session(emit=emit)
    host: Hello | None = None
    while (line := requests.get()) is not None:
        if host is None and (host := decode_hello(line)) is not None:
            continue
        request_id, answer = answer_line(session, line, host)
        busy.clear()
        if answer is not None and (own_rank() == 0 or isinstance(answer, ErrorData)):  # rank 0 may wait for this one
            answers.write(encode_reply(request_id, answer))
    if session.replicas:
        session.replicas.close()
    sys.stderr.flush()
    os._exit(0)  # tearing torch down takes longer than many a run's upload, and nothing is left to do


def _claim_stdin() -> BinaryIO:
    """Keep stdin for the protocol. A process that a library forks closes ``sys.stdin``, and would wait for ever for the
    lock that our reading thread has on it (lm-eval's bootstrap forks)."""
    requests = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return requests


def _claim_stdout() -> BinaryIO:
    """Keep stdout for the protocol; whatever a library prints from now on goes to stderr, also from C."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return answers


def _read_requests(stream: BinaryIO, requests: queue.Queue[bytes | None], busy: threading.Event) -> None:
    """Hand on each line. The end of the input means that the host is gone: end too, if need be in mid-work."""
    for number, line in enumerate(request_lines(stream)):
        if number > 0:  # the first is the host's hello, and no work
            busy.set()
        requests.put(line)
    if busy.is_set():
        _end_with_children()
    requests.put(None)


def _end_with_children() -> None:
    """End at once, and with us what a library forked: it would wait for us for ever."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(EXIT_ORPHANED)


def _writer(answers: BinaryIO) -> Callable[[Progress | Phase], None]:
    def emit(event: Progress | Phase) -> None:
        answers.write(encode_event(event))

    return emit


def _say_nothing(_event: Progress | Phase) -> None:
    """Say nothing: the host hears one rank."""


if __name__ == "__main__":
    main()
