"""Pairs the documents of two runs of a benchmark, and says why two scores are not comparable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchy.results.scored_run import ScoredBenchmark, ScoredRun
from benchy.results.scores import HASH_BYTES, Floats, Hashes, Scores

Rows = NDArray[np.intp]
LONGEST_VALUE = 60
"""Characters of a setting that are told."""


@dataclass(frozen=True)
class Pairs:
    """The documents that two runs share, in one order; all arrays are of shape (documents,)."""

    doc_ids: NDArray[np.int64]
    """The first run's."""
    first: Floats
    second: Floats
    clusters: Hashes | None
    only_first: int
    """Documents that only the first run has."""
    only_second: int
    other_prompts: int
    """Shared documents whose prompts differ."""
    rows: tuple[Rows, Rows]
    """Where each document stands in either run's table."""


def pair(first: Scores, second: Scores, metric: str) -> Pairs:
    """Pair documents that have the same text and the same gold answer.

    Args:
        first: of one run.
        second: of another run of the benchmark.
        metric: as ``metric,filter``.
    """
    rows, others = _matching_rows(first, second)
    values, other_values = _values(first, metric)[rows], _values(second, metric)[others]
    scored = ~(np.isnan(values) | np.isnan(other_values))
    rows, others = rows[scored], others[scored]
    return Pairs(
        doc_ids=first.doc_ids[rows],
        first=values[scored],
        second=other_values[scored],
        clusters=_clusters(first, rows) if first.clusters is not None else _clusters(second, others),
        only_first=len(first) - len(scored),
        only_second=len(second) - len(scored),
        other_prompts=int(np.sum(first.prompts[rows] != second.prompts[others])),
        rows=(rows, others),
    )


def _clusters(scores: Scores, rows: Rows) -> Hashes | None:
    return None if scores.clusters is None else scores.clusters[rows]


def _values(scores: Scores, key: str) -> Floats:
    return scores.values.get(key, np.full(len(scores), np.nan))


def _matching_rows(first: Scores, second: Scores) -> tuple[Rows, Rows]:
    if (
        len(first) == len(second)
        and np.array_equal(first.documents, second.documents)
        and np.array_equal(first.targets, second.targets)
    ):
        every = np.arange(len(first))
        return every, every
    _, numbers = np.unique(np.concatenate([_keys(first), _keys(second)]), return_inverse=True)
    one, other = (_told_apart(part, len(numbers)) for part in np.split(numbers, [len(first)]))
    _, rows, others = np.intersect1d(one, other, assume_unique=True, return_indices=True)
    in_order = np.argsort(rows)
    return rows[in_order], others[in_order]


def _keys(scores: Scores) -> NDArray[np.bytes_]:
    """Return a document and its gold answer as one text of bytes each."""
    both = (scores.documents, scores.targets)
    parts = [np.ascontiguousarray(hashes).view(np.uint8).reshape(-1, HASH_BYTES) for hashes in both]
    return np.concatenate(parts, axis=1).reshape(-1).view(f"S{2 * HASH_BYTES}")


def _told_apart(numbers: NDArray[np.intp], most: int) -> NDArray[np.int64]:
    """Return a number for each document, of which there are at most so many; the n-th time it is there another one."""
    order = np.argsort(numbers, kind="stable")
    begins = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    lengths = np.diff(begins, append=len(numbers))
    times = np.empty(len(numbers), np.int64)
    times[order] = np.arange(len(numbers)) - np.repeat(begins, lengths)
    return numbers.astype(np.int64) * most + times


def why_not_comparable(first: ScoredBenchmark, second: ScoredBenchmark) -> list[str]:
    """Say what differs between what two runs of a benchmark asked, and how they scored it; nothing if nothing does."""
    found = [
        f"{what} {two}, not {one}"
        for what, one, two in (
            ("version", first.version, second.version),
            ("few-shot examples:", first.num_fewshot, second.num_fewshot),
            ("metric and filter", first.headline, second.headline),
        )
        if one != two
    ]
    return found + list(_changed_settings(first.settings, second.settings))


def _changed_settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*first, *second}):
        one, two = (_as_text(settings.get(name)) for settings in (first, second))
        if one == two:
            continue
        short = max(len(one), len(two)) <= LONGEST_VALUE
        yield f"{name} {two}, not {one}" if short else f"another {name}"


def _as_text(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)


def why_not_paired(pairs: Pairs, first: ScoredRun, second: ScoredRun) -> list[str]:
    """Say why the documents of two runs are not the same, or not asked the same; nothing if they are.

    A chat template is the model's own: with another one, prompts may differ.
    """
    found = []
    if pairs.only_first or pairs.only_second:
        found.append(
            f"other documents or gold answers: {pairs.only_first:,} only in the first, {pairs.only_second:,} only in"
            " the second"
        )
    if pairs.other_prompts and first.prompted == second.prompted:
        found.append(f"the same questions in other prompts: {pairs.other_prompts:,}")
    return found
