"""Shares requests out among the replicas of a model; this process's own is one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchy.worker.harness.patching import replaced
from benchy.worker.replicas.chunks import generated_chunks, planned_chunks, scored_chunks
from benchy.worker.replicas.pool import Replicas
from benchy.worker.replicas.process import GENERATE, SCORE, SCORE_PLANNED, Chunk, answer_chunk

Answered = list[tuple[int, Any]]
"""Indices of requests, and their answers, as one chunk brings them."""


class Sharing:
    """Cuts requests into chunks, and gives their answers as they come from whichever replica."""

    def __init__(self, lm: Any, replicas: Replicas) -> None:
        self._lm = lm
        self._replicas = replicas
        self.in_chunk = False
        """This process's own model is answering a chunk: what it is asked now is not shared out again."""

    def scores(self, requests: Sequence[Any], size: int, *, planned: bool) -> Iterator[Answered]:
        """Of lm-eval's tokenized requests, in batches of ``size``, or as the model plans them."""
        if planned:
            batches = list(planned_chunks(self._lm.plan(requests)))
            cut = [[index for batch in chunk for index in batch.indices] for chunk in batches]
            return self._answers(cut, [Chunk(SCORE_PLANNED, size, chunk) for chunk in batches])
        cut = scored_chunks(self._lm, requests, size)
        return self._answers(cut, [Chunk(SCORE, size, [requests[index] for index in part]) for part in cut])

    def texts(self, requests: Sequence[Any], size: int) -> Iterator[Answered]:
        """Of generation requests with the same arguments, in batches of ``size``."""
        cut = generated_chunks(self._lm, requests, size)
        return self._answers(cut, [Chunk(GENERATE, size, [requests[index].args for index in part]) for part in cut])

    def _answers(self, cut: list[list[int]], chunks: list[Chunk]) -> Iterator[Answered]:
        for number, fresh in self._replicas.answer(chunks, self._answer_chunk):
            yield list(zip(cut[number], fresh, strict=True))

    def _answer_chunk(self, chunk: Chunk) -> list[Any]:
        """With this process's model; the caller keeps the answers, as it keeps those of the others."""
        from lm_eval.api.model import CacheHook

        self.in_chunk = True
        try:
            with replaced(self._lm, cache_hook=CacheHook(None)):
                return answer_chunk(self._lm, chunk)
        finally:
            self.in_chunk = False
