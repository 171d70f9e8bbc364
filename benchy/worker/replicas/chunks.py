"""Cuts requests into chunks that the model answers in the same batches as if it had them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it imports numpy, which the worker does when it has told the host that it lives
    from benchy.worker.hf.plan import Batch

PREFIXES_A_CHUNK = 10
"""A chunk holds so many times the tokens of its prefix, which each replica computes for itself."""


def planned_chunks(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Consecutive batches of a faster model's plan, cut where the prefix changes or is worth being computed again."""
    for _, alike in groupby(batches, key=lambda batch: tuple(map(id, batch.prefixes))):
        chunk: list[Batch] = []
        for batch in alike:
            chunk.append(batch)
            if sum(one.length for one in chunk) >= PREFIXES_A_CHUNK * batch.depth:
                yield chunk
                chunk = []
        if chunk:
            yield chunk


def scored_chunks(lm: Any, requests: Sequence[Any], batch_size: int) -> list[list[int]]:
    """Return indices of tokenized requests, the longest first, cut as lm-eval's ``_loglikelihood_tokens`` does.

    Requests that differ in their last token only are one row of a batch (lm_eval/models/utils.py, ``Collator``).
    """
    rows: dict[tuple[int, ...], list[int]] = {}
    grouped = lm.backend == "causal" and lm.logits_cache
    for index, (_, context, continuation) in enumerate(requests):
        row = tuple(context + continuation[:-1]) if grouped else (index,)
        rows.setdefault(row, []).append(index)

    def order(row: list[int]) -> tuple[int, tuple[int, ...]]:
        _, context, continuation = max((requests[index] for index in row), key=lambda one: len(one[-1]))
        return -len(context) - len(continuation), tuple(context + continuation)

    cut = _cut(sorted(rows.values(), key=order), batch_size)
    return [[index for row in rows_of for index in row] for rows_of in cut]


def generated_chunks(lm: Any, requests: Sequence[Any], batch_size: int) -> list[list[int]]:
    """Return indices of generation requests with the same arguments, cut as ``generate_until`` cuts its batches."""

    def order(index: int) -> tuple[int, str]:
        text = requests[index].args[0]
        return -len(lm.tok_encode(text)), text

    return list(_cut(sorted(range(len(requests)), key=order), batch_size))


def _cut(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
