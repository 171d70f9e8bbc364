"""Per-document scores of a benchmark: what every comparison of two runs works from, without prompts and answers."""

from __future__ import annotations

import hashlib
import json
import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

HASH_BYTES = 16
"""How many bytes of a SHA-256 are kept: enough to tell documents apart."""
CLUSTER_FIELDS = (
    "passage_id", "story_id", "article_id", "paragraph_id", "context_id", "document_id", "source_id", "section_id",
    "passage", "story", "article", "paragraph", "context",
)  # fmt: skip
"""Fields of a document that hold, or name, the text that several questions are about."""

Floats = NDArray[np.float64]
Hashes = NDArray[np.bytes_]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of one benchmark's documents; all arrays are of equal length, in the order of the documents' ids."""

    doc_ids: NDArray[np.int64]
    documents: Hashes
    """The first 16 bytes of lm-eval's ``doc_hash`` of each document."""
    targets: Hashes
    """The same of its gold answer."""
    prompts: Hashes
    """The same of the first prompt that was made of it."""
    values: Mapping[str, Floats]
    """By ``metric,filter`` as lm-eval's results have it; NaN where a document has no such score."""
    clusters: Hashes | None
    """A hash of what several documents share, a passage; None where each stands for itself."""
    empty: Flags
    """Whether an answer held no text."""
    cut: Flags | None
    """Whether an answer ended at the limit of its tokens; None where nobody knows."""

    def __len__(self) -> int:
        return len(self.doc_ids)


def make_scores(
    samples: Iterable[Mapping[str, Any]],
    *,
    cluster: str | None = None,
    is_cut: Callable[[Any], bool] | None = None,
    is_empty: Callable[[str], bool] | None = None,
) -> Scores:
    """Return the scores in lm-eval's samples, as it holds them or as its samples files do.

    Args:
        samples: one for each document and filter.
        cluster: the field of a document that several share; where it is not there, and if it is not set, the first of
            :data:`CLUSTER_FIELDS` is taken that every document has and several share.
        is_cut: tells whether a generated text was cut; None if that is not known.
        is_empty: tells of a text that stands for none; only blank texts are empty if not set.

    Raises:
        ValueError, KeyError, TypeError: these are no samples.
    """
    made = _Columns()
    found: dict[str, list[bytes]] = {}
    for sample in samples:
        row, is_new = made.row_of(int(sample["doc_id"]))
        if is_new:
            texts = list(_texts(sample))
            made.add(sample, empty=any(not text.strip() or (is_empty and is_empty(text)) for text in texts))
            made.cut.append(any(map(is_cut, texts)) if is_cut else False)
            made.has_texts |= bool(texts)
            _note_clusters(found, sample["doc"], row, ((cluster,) if cluster else ()) + CLUSTER_FIELDS)
        made.add_values(sample, row)
    return made.as_scores(_clusters(found, len(made.ids)), knows_cuts=is_cut is not None or not made.has_texts)


def _texts(sample: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that were generated for a document; nothing where continuations were scored."""
    arguments = sample["arguments"]
    first = next(iter(arguments.values() if isinstance(arguments, Mapping) else arguments), ())
    values = list(first.values() if isinstance(first, Mapping) else first)
    if len(values) > 1 and isinstance(values[1], Mapping):
        yield from (text for answers in sample["resps"] for text in answers if isinstance(text, str))


def _note_clusters(found: dict[str, list[bytes]], document: object, row: int, fields: Iterable[str]) -> None:
    """Keep a hash of each field that every document so far has had."""
    if not isinstance(document, Mapping):
        return
    for name in fields:
        if name in document and (row == 0 or len(found.get(name, ())) == row):
            text = json.dumps(document[name], sort_keys=True, default=str)
            found.setdefault(name, []).append(hashlib.sha256(text.encode()).digest()[:HASH_BYTES])


def _clusters(found: Mapping[str, list[bytes]], documents: int) -> list[bytes] | None:
    """Return the first field that every document has, and several share."""
    whole = (hashes for hashes in found.values() if len(hashes) == documents)
    return next((hashes for hashes in whole if 1 < len(set(hashes)) < documents), None)


@dataclass
class _Columns:
    """What is read so far."""

    ids: dict[int, int] = field(default_factory=dict)
    """Rows by document id."""
    hashes: dict[str, bytearray] = field(
        default_factory=lambda: {name: bytearray() for name in ("doc_hash", "target_hash", "prompt_hash")}
    )
    values: dict[str, array[float]] = field(default_factory=dict)
    empty: list[bool] = field(default_factory=list)
    cut: list[bool] = field(default_factory=list)
    has_texts: bool = False

    def row_of(self, doc_id: int) -> tuple[int, bool]:
        row = self.ids.setdefault(doc_id, len(self.ids))
        return row, row == len(self.empty)

    def add(self, sample: Mapping[str, Any], *, empty: bool) -> None:
        for name, kept in self.hashes.items():
            kept.extend(_short_hash(str(sample[name])))
        self.empty.append(empty)

    def add_values(self, sample: Mapping[str, Any], row: int) -> None:
        for metric in sample["metrics"]:
            column = self.values.setdefault(f"{metric},{sample['filter']}", array("d"))
            column.extend([math.nan] * (row - len(column)))
            if row == len(column):
                column.append(_number(sample.get(metric)))
            else:
                column[row] = _number(sample.get(metric))

    def as_scores(self, clusters: list[bytes] | None, *, knows_cuts: bool) -> Scores:
        ids = np.fromiter(self.ids, dtype=np.int64, count=len(self.ids))
        order = np.argsort(ids, kind="stable")
        hashes = {name: np.frombuffer(bytes(kept), f"S{HASH_BYTES}")[order] for name, kept in self.hashes.items()}
        values = {name: _padded(column, len(ids))[order] for name, column in self.values.items()}
        return Scores(
            doc_ids=ids[order],
            documents=hashes["doc_hash"],
            targets=hashes["target_hash"],
            prompts=hashes["prompt_hash"],
            values={name: column for name, column in values.items() if not np.isnan(column).all()},
            clusters=np.array(clusters, f"S{HASH_BYTES}")[order] if clusters else None,
            empty=np.array(self.empty, bool)[order],
            cut=np.array(self.cut, bool)[order] if knows_cuts else None,
        )


def _padded(column: array[float], length: int) -> Floats:
    return np.append(np.array(column, np.float64), np.full(length - len(column), np.nan))


def _short_hash(text: str) -> bytes:
    """lm-eval's hashes are hexadecimal; of anything else the hash is taken."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    return found[:HASH_BYTES] if len(found) >= HASH_BYTES else hashlib.sha256(text.encode()).digest()[:HASH_BYTES]


def _number(value: object) -> float:
    """Return a score as a number; NaN for pairs and texts, of which lm-eval makes scores of a whole benchmark only."""
    try:
        number = float(value) if isinstance(value, str) or hasattr(value, "__float__") else math.nan
    except (ValueError, TypeError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan
