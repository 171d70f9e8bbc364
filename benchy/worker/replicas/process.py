"""A replica: a process that loads the model once more, on a GPU of its own, and answers chunks of requests."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from benchy.config import BenchmarkConfig
from benchy.record import ModelIdentity

GENERATE = "generate_until"
SCORE = "_loglikelihood_tokens"
SCORE_PLANNED = "score"

Call = Callable[[list[Any]], list[Any]]


@dataclass(frozen=True)
class Chunk:
    """Requests that are answered in one call, of which each replica does the same."""

    method: str
    """The model's: ``generate_until``, ``_loglikelihood_tokens`` or, of ``FastHFLM``, ``score``."""
    batch_size: int
    requests: Sequence[Any]
    """Arguments of a generation; or lm-eval's triples of texts, context tokens and continuation tokens; or planned
    batches of such."""


@dataclass(frozen=True)
class Refusal:
    """A chunk that could not be answered, by a replica that goes on."""

    text: str
    out_of_memory: bool


def serve(
    connection: Connection, config: BenchmarkConfig, identity: ModelIdentity, *, gpu: str | None, count: int
) -> None:
    """Load the model, say so, and answer chunks until the other end is gone; the body of a replica's process.

    Args:
        connection: gets a ``None`` once the model is loaded, and then what each chunk that it gives is answered.
        config: what model to load.
        identity: which commit of it.
        gpu: the one to use, as ``CUDA_VISIBLE_DEVICES`` names it; None on a CPU.
        count: how many replicas share this machine.
    """
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # before torch is imported
    else:
        share_cores(count)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s replica: %(message)s")
    from tqdm import tqdm

    from benchy.worker.backends.lm import create_model

    tqdm.set_lock(threading.RLock())  # its own is also a semaphore between processes, which a kill would leave behind
    lm = create_model(config, identity).lm
    with suppress(EOFError, BrokenPipeError):
        connection.send(None)
        while True:
            connection.send(_answer(lm, connection.recv()))


def share_cores(count: int) -> None:
    """Compute with this process's part of the cores that it may use, unless ``OMP_NUM_THREADS`` says how many.

    Args:
        count: how many processes share them.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        import torch

        torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // count))


def answer_chunk(lm: Any, chunk: Chunk) -> list[Any]:
    """Return a chunk's answers in the order of its requests."""
    from benchy.worker.harness.patching import replaced

    if chunk.method == SCORE_PLANNED:
        return [answer for _, answer in lm.score(chunk.requests)]
    with replaced(lm, batch_size_per_gpu=chunk.batch_size):
        if chunk.method == GENERATE:
            return list(lm.generate_until([_instance(one) for one in chunk.requests], disable_tqdm=True))
        return list(lm._loglikelihood_tokens(list(chunk.requests), disable_tqdm=True))


def _answer(lm: Any, chunk: Chunk) -> list[Any] | Refusal:
    from benchy.worker.failures import is_out_of_memory

    try:
        return answer_chunk(lm, chunk)
    except Exception as error:  # noqa: BLE001 - the edge of this process: the other end raises it
        return Refusal(f"{type(error).__name__}: {error}", out_of_memory=is_out_of_memory(error))


def _instance(arguments: tuple[Any, ...]) -> Any:
    from lm_eval.api.instance import Instance

    return Instance(request_type=GENERATE, doc={}, arguments=arguments, idx=0)
