"""The host's end of a worker: requests out, events and one answer back, its log aside."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from benchy import __version__
from benchy.errors import BenchyError, WorkerDied, WrongVersion, from_data, quoted
from benchy.plain_text import plain
from benchy.protocol import Hello, Phase, Progress, Reply, Request, decode_answer, encode_hello, encode_request
from benchy.runtimes.base import Transport
from benchy.runtimes.lines import read_lines
from benchy.runtimes.time_limits import TimeLimits

ResultT = TypeVar("ResultT", bound=BaseModel)
OnEvent = Callable[[Progress | Phase], None]
OnLog = Callable[[list[str]], None]

WORKERS_WORDS = "worker | "
"""With this begins each line of a worker in which code of a model runs."""
GRACE_SECONDS = 3.0
"""How long a worker may take to leave after its input ended."""
LONGEST_LOG_LINE = 1 << 14
"""Bytes. Of a longer line the log keeps the beginning."""
LONGEST_MESSAGE = 1 << 24
"""Bytes. The longest answers, those of evaluations of thousands of benchmarks, are a tenth of it."""


class Worker:
    """A running worker. One request at a time; :meth:`close` in any case."""

    def __init__(self, transport: Transport, on_log: OnLog, *, trusted: bool = True) -> None:
        """Begin to listen.

        Args:
            transport: the started worker.
            on_log: gets its log.
            trusted: no code of a model runs there; else each of its words is marked as the worker's.
        """
        self._transport = transport
        self._trusted = trusted
        self._arrived: queue.SimpleQueue[Hello | Reply | Progress | Phase | None] = queue.SimpleQueue()
        self._last_id = 0
        self._greeted = False
        self._on_log = on_log
        self._ended_because = ""
        """Of what a reader of ours could not go on with; empty if nothing was."""
        self._threads = [
            threading.Thread(target=self._read_answers, daemon=True),
            threading.Thread(target=self._read_log, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        with suppress(OSError):  # it is gone, which the first request finds out
            transport.send(encode_hello())

    @property
    def alive(self) -> bool:
        """Whether it can take a request."""
        return not self._transport.wait(0)

    def request(self, request: Request[ResultT], on_event: OnEvent, limits: TimeLimits | None = None) -> ResultT:
        """Send a request and wait for its result.

        Raises:
            BenchyError: what the worker answered, or why it ended without an answer.
        """
        self.send(request)
        return self.receive(request, on_event, limits)

    def send(self, request: Request[ResultT]) -> None:
        """Send a request without waiting; :meth:`receive` gets its result.

        A worker that is gone is not noticed here but in :meth:`receive`.
        """
        self._last_id += 1
        try:
            self._transport.send(encode_request(self._last_id, request))
        except OSError:
            return  # its answers have ended too, and that is where the reason is found

    def receive(self, request: Request[ResultT], on_event: OnEvent, limits: TimeLimits | None = None) -> ResultT:
        """Wait for the result of the request that was sent last.

        Raises:
            WrongVersion: the worker is of another version.
            LoadTimeout, PromptTimeout, RunTimeout: a limit passed; the worker is ended.
            BenchyError: what the worker answered, or why it ended without an answer.
        """
        while (message := self._next(limits)) is not None:
            if isinstance(message, Hello):
                message.require_own("the worker")
                self._greeted = True
            elif not self._greeted:
                raise WrongVersion(f"the worker is of a Benchy before 0.2.0, and this is Benchy {__version__}")
            elif not isinstance(message, Reply):
                on_event(message)
            elif message.error is not None:
                raise from_data(message.error) if self._trusted else quoted(message.error)
            elif message.id == self._last_id:
                return _result(request, message)
        self._arrived.put(None)  # the end stays the end, also for a second request
        raise self._explain_end()

    def _next(self, limits: TimeLimits | None) -> Hello | Reply | Progress | Phase | None:
        if limits is None:
            return self._arrived.get()
        message = self._wait(limits)
        if isinstance(message, Progress | Phase):
            limits.on_event(message)
        elif isinstance(message, Reply):
            limits.end_phase()
        return message

    def _wait(self, limits: TimeLimits) -> Hello | Reply | Progress | Phase | None:
        while (seconds := limits.seconds_left()) > 0:  # a worker that says something all the time ends too
            with suppress(queue.Empty):
                return self._arrived.get(timeout=seconds)
        self._transport.kill()
        raise limits.passed()

    def go_offline(self) -> None:
        """Cut the worker off from the network, where its runtime can; model code runs without it.

        Raises:
            WorkerError: that failed.
        """
        self._transport.go_offline()

    def close(self) -> None:
        """End the worker and wait for the last line of its log."""
        self._transport.close_input()
        if not self._transport.wait(GRACE_SECONDS):
            self._transport.kill()
        for thread in self._threads:
            thread.join(timeout=GRACE_SECONDS)

    def _explain_end(self) -> BenchyError:
        if self._ended_because:
            return WorkerDied(f"the worker was stopped, since what it said cannot be read: {self._ended_because}")
        if not self._transport.wait(GRACE_SECONDS):
            self._transport.kill()
            return WorkerDied("the worker closed its output but went on; it was stopped")
        return self._transport.explain_end()

    def _read_answers(self) -> None:
        with self._ending_the_worker():
            for lines in read_lines(self._transport.answers(), longest=LONGEST_MESSAGE, cut=False):
                for line in lines:
                    self._take(line)
        self._arrived.put(None)

    def _take(self, line: str) -> None:
        try:
            self._arrived.put(decode_answer(line.encode()))
        except (ValueError, RecursionError):
            self._on_log([self._shown(line[:LONGEST_LOG_LINE])])  # a launcher's own print: for people, not for us

    def _read_log(self) -> None:
        with self._ending_the_worker():
            for lines in read_lines(self._transport.log(), longest=LONGEST_LOG_LINE):
                self._on_log([self._shown(line) for line in lines])

    def _shown(self, line: str) -> str:
        """Return a line of the worker for people: it moves no cursor, and is not taken for one of ours."""
        return plain(line) if self._trusted else f"{WORKERS_WORDS}{plain(line)}"

    @contextmanager
    def _ending_the_worker(self) -> Iterator[None]:
        """End the worker if the block fails: with nobody to read on, it and its host would wait for each other."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody reads on
            self._ended_because = f"{type(error).__name__}: {error}"[:300]
            with suppress(Exception):
                self._transport.kill()


def _result(request: Request[ResultT], reply: Reply) -> ResultT:
    try:
        return cast("ResultT", request.result_type.model_validate(reply.result))
    except ValidationError as error:
        said = f'the worker\'s answer to "{request.method}" is none of Benchy {__version__}'
        raise WrongVersion(said, traceback=str(error)) from error
