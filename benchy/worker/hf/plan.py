"""Decides which log-likelihood requests are computed together, and which of their tokens only once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int32]

MIN_PREFIX = 32
"""Tokens that a prefix must have to be worth a forward pass of its own; shorter ones are computed again in each row."""


@dataclass(frozen=True, eq=False)
class Request:
    """One continuation to score."""

    indices: tuple[int, ...]
    """Its places among lm-eval's requests: more than one if it is asked more than once."""
    tokens: Tokens
    """[length] What the model reads: context and continuation without its last token, cut from the left."""
    targets: Tokens
    """[n] The continuation. The model's last ``n`` outputs predict it."""


@dataclass(frozen=True, eq=False)
class Row:
    """Requests that become one packed sequence, in an order in which neighbours share the most."""

    requests: tuple[Request, ...]
    shared: tuple[int, ...]
    """How many first tokens each request has in common with the one before it; at least the group's depth."""
    length: int
    """Tokens to compute: those behind the group's prefix, shared ones once."""

    @property
    def scored(self) -> int:
        """At most so many outputs count."""
        return sum(len(request.targets) for request in self.requests)


@dataclass(eq=False)
class Group:
    """Requests that begin with the same tokens. Those tokens are computed once, and none of their outputs counts."""

    depth: int
    """Length of the whole prefix in tokens."""
    prefix: Tokens
    """The part of it that the parent does not have."""
    rows: list[Row] = field(default_factory=list)
    children: list[Group] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows that are computed at once: always the same ones, whatever else is computed, or was before."""

    prefixes: tuple[Tokens, ...]
    """What all rows read first, in parts: each is computed behind those before it, and other batches may share it."""
    depth: int
    """Length of them all in tokens."""
    rows: tuple[Row, ...]

    @property
    def length(self) -> int:
        """Tokens to compute, but for the prefixes'."""
        return sum(row.length for row in self.rows)

    @property
    def indices(self) -> list[int]:
        """The requests' places among lm-eval's."""
        return [index for row in self.rows for request in row.requests for index in request.indices]


@dataclass(frozen=True)
class Extent:
    """How large some requests are together."""

    length: int = 0
    """Tokens to compute, shared ones once."""
    apart: int = 0
    """Tokens to compute for each by itself."""
    longest: int = 0
    """Tokens of the longest by itself."""
    scored: int = 0
    """Outputs that count."""
    most_scored: int = 0
    """Outputs of one request."""

    def plus(self, other: Extent, *, shared: int) -> Extent:
        """Both, where ``shared`` tokens need not be computed for the other."""
        return Extent(
            self.length + other.length - shared,
            self.apart + other.apart,
            max(self.longest, other.longest),
            self.scored + other.scored,
            max(self.most_scored, other.most_scored),
        )


@dataclass(frozen=True)
class RowLimit:
    """How long a row may become."""

    usual: int
    """Tokens. Attention reads all of a row, so its cost a token grows with the row's length; see ``usual_length``."""
    at_most: int
    """Tokens that fit into memory; only a single longer request may exceed them."""
    scored_at_most: int
    """Outputs that fit into memory; only a single longer continuation may exceed them."""

    def allows(self, extent: Extent) -> bool:
        """Whether that much may be one row: it fits, and is short or shares a good part of its tokens."""
        fits = extent.length <= max(extent.longest, self.at_most) and (
            extent.scored <= max(extent.most_scored, self.scored_at_most)
        )
        shares = extent.apart >= 1.25 * extent.length and extent.length <= 2 * extent.longest
        return fits and (extent.length <= max(self.usual, extent.longest) or shares)


def usual_length(hidden_size: int) -> int:
    """Return the row length up to which attention is a small part of the work.

    A token costs about ``24 * hidden**2`` operations in a layer's matrices and ``4 * hidden * length`` in attention
    over a row: at a quarter of ``hidden`` it is a twentieth.
    """
    return min(max(hidden_size // 4, 64), 512)


def make_plan(requests: Sequence[Request], limit: RowLimit) -> Group:
    """Group the requests by what they share; every request is in exactly one row."""
    ordered = sorted(requests, key=lambda request: request.tokens.tobytes())
    if not ordered:
        return Group(depth=0, prefix=np.empty(0, np.int32))
    return _Planner(ordered, limit).plan()


class _Planner:
    """Walks the tree of prefixes, which in sorted order is a tree of ranges."""

    def __init__(self, ordered: list[Request], limit: RowLimit) -> None:
        self._requests = ordered
        self._limit = limit
        self._lengths = np.array([len(request.tokens) for request in ordered])
        self._scored = np.array([len(request.targets) for request in ordered])
        pairs = pairwise(ordered)
        self._shared = np.array([0, *(_common_length(a.tokens, b.tokens) for a, b in pairs)])

    def plan(self) -> Group:
        root = Group(depth=0, prefix=np.empty(0, np.int32))
        pieces: dict[int, list[tuple[int, int]]] = {}
        groups = {id(root): root}
        waiting = [(0, len(self._requests), root)]
        while waiting:
            low, high, group = waiting.pop()
            if self._limit.allows(self._extent(low, high, group.depth)):
                pieces.setdefault(id(group), []).append((low, high))
                continue
            fork = int(self._shared[low + 1 : high].min())
            child_depth = min(fork, self._first_scored(low, high))
            if child_depth - group.depth >= MIN_PREFIX:
                child = Group(depth=child_depth, prefix=self._requests[low].tokens[group.depth : child_depth])
                group.children.append(child)
                groups[id(child)] = child
                waiting.append((low, high, child))
            else:
                waiting += [(a, b, group) for a, b in reversed(self._split(low, high, fork))]
        for key, ranges in pieces.items():
            groups[key].rows = list(self._rows(ranges, groups[key].depth))
        return root

    def _extent(self, low: int, high: int, depth: int) -> Extent:
        """Of a range behind ``depth``."""
        lengths, scored = self._lengths[low:high], self._scored[low:high]
        known = np.maximum(self._shared[low + 1 : high], depth)
        return Extent(
            length=int(lengths.sum() - known.sum()) - depth,
            apart=int(lengths.sum()) - depth * len(lengths),
            longest=int(lengths.max()) - depth,
            scored=int(scored.sum()),
            most_scored=int(scored.max()),
        )

    def _first_scored(self, low: int, high: int) -> int:
        """Return the first position in a range whose output counts."""
        return int((self._lengths[low:high] - self._scored[low:high]).min())

    def _split(self, low: int, high: int, fork: int) -> list[tuple[int, int]]:
        """Return the ranges below a fork of the tree."""
        cuts = np.flatnonzero(self._shared[low + 1 : high] == fork) + low + 1
        edges = [low, *cuts.tolist(), high]
        return list(pairwise(edges))

    def _rows(self, ranges: list[tuple[int, int]], depth: int) -> Iterator[Row]:
        """Fill rows with whole ranges, in order."""
        members: list[int] = []
        filled = Extent()
        for low, high in ranges:
            extent = self._extent(low, high, depth)
            shared = max(int(self._shared[low]) - depth, 0) if members and members[-1] == low - 1 else 0
            grown = filled.plus(extent, shared=shared)
            if members and not self._limit.allows(grown):
                yield self._row(members, depth)
                members, grown = [], extent
            members += range(low, high)
            filled = grown
        yield self._row(members, depth)

    def _row(self, members: list[int], depth: int) -> Row:
        requests = tuple(self._requests[k] for k in members)
        follows = [False, *(b == a + 1 for a, b in pairwise(members))]
        shared = tuple(
            max(int(self._shared[k]), depth) if next_to else depth for k, next_to in zip(members, follows, strict=True)
        )
        length = sum(len(request.tokens) - known for request, known in zip(requests, shared, strict=True))
        return Row(requests, shared, length)


def _common_length(a: Tokens, b: Tokens) -> int:
    """How many first tokens are equal."""
    length = min(len(a), len(b))
    different = a[:length] != b[:length]
    return int(different.argmax()) if different.any() else length
