"""Cuts requests into chunks that the model answers in the same batches as if it had them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

BATCHES_A_CHUNK = 64
"""For a model type that finds what requests have in common, which takes more than one batch."""


def scored_chunks(lm: Any, requests: Sequence[Any], batch_size: int) -> list[list[int]]:
    """Indices of tokenized requests, the longest first, cut as lm-eval's ``_loglikelihood_tokens`` cuts its batches.

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

    size = batch_size * (1 if _is_stock(lm, "_loglikelihood_tokens") else BATCHES_A_CHUNK)
    return [[index for row in rows_of for index in row] for rows_of in _cut(sorted(rows.values(), key=order), size)]


def generated_chunks(lm: Any, requests: Sequence[Any], batch_size: int) -> list[list[int]]:
    """Indices of generation requests with the same arguments, cut as lm-eval's ``generate_until`` cuts its batches."""

    def order(index: int) -> tuple[int, str]:
        text = requests[index].args[0]
        return -len(lm.tok_encode(text)), text

    return list(_cut(sorted(range(len(requests)), key=order), batch_size))


def _cut(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _is_stock(lm: Any, method: str) -> bool:
    from lm_eval.models.huggingface import HFLM

    found: Callable[..., Any] = getattr(type(lm), method)
    return found is getattr(HFLM, method)
