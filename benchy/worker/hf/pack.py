"""Lays a row's requests out as one sequence in which every shared token stands once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchy.worker.hf.plan import Request, Row, Tokens

Slots = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Packed:
    """A row as the model reads it: a tree of tokens in depth-first order."""

    tokens: Tokens
    """[length]"""
    positions: Slots
    """[length] Each token's place in its own request, from 0 at the beginning of the group's prefix."""
    segments: tuple[tuple[int, int, Slots], ...]
    """Runs of new tokens: the first slot, how many, and the slots that they continue."""
    scored: tuple[tuple[Request, Slots], ...]
    """Each request with the slots whose outputs predict its continuation."""

    @property
    def is_causal(self) -> bool:
        """Whether every token continues all tokens before it, so that no mask is needed."""
        return all(len(before) == start for start, _, before in self.segments)

    def visible(self, depth: int, window: int | None = None) -> NDArray[np.bool_]:
        """Which keys each token may read: ``[length, depth + length]``, the prefix's keys first.

        Args:
            depth: length of the group's prefix.
            window: how many last tokens, itself included, a token reads; all if not set.
        """
        length = len(self.tokens)
        visible = np.zeros((length, depth + length), dtype=np.bool_)
        visible[:, :depth] = True
        for start, count, before in self.segments:
            rows = slice(start, start + count)
            visible[rows, depth + before] = True
            visible[rows, depth + start : depth + start + count] = np.tri(count, dtype=np.bool_)
        if window is not None:
            keys = np.concatenate([np.arange(depth), self.positions])
            visible &= self.positions[:, None] - keys[None, :] < window
        return visible


def pack(row: Row, depth: int) -> Packed:
    """Lay out a row that stands behind a prefix of ``depth`` tokens."""
    segments = []
    scored = []
    path: Slots = np.empty(0, np.int64)
    end = 0
    for request, shared in zip(row.requests, row.shared, strict=True):
        before = path[: shared - depth]
        count = len(request.tokens) - shared
        if count:
            segments.append((end, count, before))
        path = np.concatenate([before, np.arange(end, end + count)])
        end += count
        scored.append((request, path[len(path) - len(request.targets) :]))
    tokens = np.concatenate([request.tokens[shared:] for request, shared in _new(row)])
    positions = np.concatenate([np.arange(shared, len(request.tokens)) for request, shared in _new(row)])
    return Packed(tokens, positions, tuple(segments), tuple(scored))


def _new(row: Row) -> Iterator[tuple[Request, int]]:
    return zip(row.requests, row.shared, strict=True)
