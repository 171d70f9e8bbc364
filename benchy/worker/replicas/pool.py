"""Hands chunks of requests to whichever replica of the model is free; this process's own model is one of them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from benchy.config import BenchmarkConfig
from benchy.record import ModelIdentity
from benchy.worker.replicas.process import Chunk, Refusal, serve, share_cores

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.1

Answered = tuple[int, list[Any]]
"""The index of a chunk, and its answers."""


class Replicas:
    """The processes beside this one. No collective could hang, and one that dies leaves its chunk to others."""

    def __init__(self, config: BenchmarkConfig, identity: ModelIdentity, *, count: int) -> None:
        gpus = _visible_gpus(config, count)
        self._others = [
            _Other(config, identity, gpu=gpu, number=number, count=count)
            for number, gpu in enumerate(gpus[1:], start=2)
        ]
        if gpus[0] is None:
            share_cores(count)

    def answer(self, chunks: Sequence[Chunk], own: Callable[[Chunk], list[Any]]) -> Iterator[Answered]:
        """Answers in the order in which they are ready.

        Args:
            chunks: what is asked, the longest first.
            own: answers a chunk with this process's model.

        Raises:
            MemoryError: a replica has not enough memory.
            RuntimeError: a replica raised something else.
        """
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        ready: queue.SimpleQueue[Answered | Refusal | None] = queue.SimpleQueue()
        for index in range(len(chunks)):
            waiting.put(index)
        threads = [
            threading.Thread(target=other.work, args=(chunks, waiting, ready), daemon=True)
            for other in self._others
            if other.alive
        ]
        for thread in threads:
            thread.start()
        try:
            yield from _until_all(chunks, own, waiting, ready)
        finally:
            _drain(waiting)
            for thread in threads:
                thread.join()

    def close(self) -> None:
        """End them."""
        for other in self._others:
            other.close()


def start_replicas(config: BenchmarkConfig, identity: ModelIdentity) -> Replicas | None:
    """Return what the config asks for beside this process; they load while this process does something else."""
    count = config.performance.replicas or 1
    return Replicas(config, identity, count=count) if count > 1 else None


def _until_all(
    chunks: Sequence[Chunk],
    own: Callable[[Chunk], list[Any]],
    waiting: queue.SimpleQueue[int],
    ready: queue.SimpleQueue[Answered | Refusal | None],
) -> Iterator[Answered]:
    """Answer ourselves while there is something to answer, and hand on what others answered."""
    left = len(chunks)
    while left:
        try:
            index = waiting.get_nowait()
        except queue.Empty:
            arrived = ready.get()
        else:
            arrived = (index, own(chunks[index]))
        while arrived is not None:
            if isinstance(arrived, Refusal):
                raise MemoryError(arrived.text) if arrived.out_of_memory else RuntimeError(arrived.text)
            left -= 1
            yield arrived
            arrived = None if ready.empty() else ready.get()


def _drain(waiting: queue.SimpleQueue[int]) -> None:
    while not waiting.empty():
        waiting.get_nowait()


class _Other:
    """One replica in another process."""

    def __init__(
        self, config: BenchmarkConfig, identity: ModelIdentity, *, gpu: str | None, number: int, count: int
    ) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._connection: Connection = ours
        self._process: BaseProcess = context.Process(
            target=serve,
            args=(theirs, config, identity),
            kwargs={"gpu": gpu, "count": count},
            name=f"replica {number}",
            daemon=True,
        )
        self._process.start()
        theirs.close()
        self._loading = True
        self.alive = True

    def work(
        self,
        chunks: Sequence[Chunk],
        waiting: queue.SimpleQueue[int],
        ready: queue.SimpleQueue[Answered | Refusal | None],
    ) -> None:
        """Take chunks until there are no more; one that is not answered goes back."""
        index: int | None = None
        try:
            while self._loading and not waiting.empty():
                if self._connection.poll(SECONDS_BETWEEN_LOOKS):
                    self._connection.recv()
                    self._loading = False
            while not self._loading:
                index = None
                index = waiting.get_nowait()
                self._connection.send(chunks[index])
                answers = self._connection.recv()
                ready.put(answers if isinstance(answers, Refusal) else (index, answers))
        except queue.Empty:
            return
        except (EOFError, OSError):
            self.alive = False
            logger.warning("%s is gone; the others take its requests", self._process.name)
            if index is not None:
                waiting.put(index)
            ready.put(None)  # wakes who waits: there is a chunk to take

    def close(self) -> None:
        """End it."""
        self._connection.close()
        self._process.kill()
        self._process.join()


def _visible_gpus(config: BenchmarkConfig, count: int) -> list[str | None]:
    """One GPU for each replica, as ``CUDA_VISIBLE_DEVICES`` names it; None where the model runs on the CPU."""
    if not config.evaluation.device.startswith("cuda"):
        return [None] * count
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return list(named.split(",")[:count]) if named else [str(index) for index in range(count)]
