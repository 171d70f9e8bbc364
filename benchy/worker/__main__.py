"""Read a request, do it, answer; end when the input ends."""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import BinaryIO

from pydantic import BaseModel

from benchy.errors import BenchyError, ErrorData
from benchy.protocol import (
    AnyRequest,
    Evaluation,
    LogToWandb,
    ModelTest,
    Phase,
    Prepare,
    Progress,
    Upload,
    decode_request,
    encode_event,
    encode_reply,
)
from benchy.worker.failures import name_unexpected
from benchy.worker.progress import redirect_progress_bars
from benchy.worker.ranks import RankDone, own_rank, request_lines
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
    redirect_progress_bars(emit)
    session = Session(emit=emit)
    while (line := requests.get()) is not None:
        request_id, answer = _answer(session, line)
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
    for line in request_lines(stream):
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
    """The host hears one rank."""


def _answer(session: Session, line: bytes) -> tuple[int, BaseModel | None]:
    """Do what one line asks; every failure becomes a reply."""
    request_id = 0
    try:
        request_id, request = decode_request(line)
        return request_id, _do(session, request)
    except RankDone:
        return request_id, None
    except Exception as error:  # noqa: BLE001 - the one catch-all at this edge
        failure = error if isinstance(error, BenchyError) else name_unexpected(error)
        failure.traceback = failure.traceback or traceback.format_exc()
        return request_id, failure.to_data()


def _do(session: Session, request: AnyRequest) -> BaseModel:
    """Each step is imported when it is asked for: an upload needs no torch."""
    match request:
        case Prepare():
            from benchy.hub import holding_token
            from benchy.worker.prepare import prepare

            with holding_token(request.token):
                return prepare(session, request)
        case ModelTest():
            from benchy.worker.gpu_use import watch_gpus
            from benchy.worker.model_test import model_test

            with watch_gpus(session.config) as watch:
                tested = model_test(session, request)
            return tested.model_copy(update={"gpu_use": watch.use})
        case Evaluation():
            from benchy.worker.evaluation import evaluation
            from benchy.worker.gpu_use import watch_gpus

            with watch_gpus(session.config) as watch:
                evaluated = evaluation(session, request)
            return evaluated.model_copy(update={"gpu_use": watch.use})
        case Upload():
            from benchy.worker.upload import upload

            return upload(request)
        case LogToWandb():
            from benchy.worker.wandb_run import log_to_wandb

            return log_to_wandb(request)


if __name__ == "__main__":
    main()
