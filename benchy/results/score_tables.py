"""Parquet tables of per-document scores: a row for each document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchy.regular_files import LARGEST_BYTES, read_regular
from benchy.results.scores import HASH_BYTES, Hashes, Scores

MOST_DOCUMENTS = 10_000_000
"""Of one benchmark: equal rows are packed so well that a small file may stand for any number of them."""
OWN_COLUMNS = ("doc_id", "doc_hash", "target_hash", "prompt_hash", "cluster", "empty", "cut")
"""Every other column is a score, called ``metric,filter``."""
_HASH_COLUMNS = {"documents": "doc_hash", "targets": "target_hash", "prompts": "prompt_hash"}


def write_scores(scores: Scores, path: Path) -> None:
    """Write the scores as a parquet table: a row for each document, a column for each ``metric,filter``.

    Raises:
        OSError: the folder cannot be written.
    """
    import pyarrow
    from pyarrow import parquet

    short = pyarrow.binary(HASH_BYTES)
    columns = {
        "doc_id": pyarrow.array(scores.doc_ids),
        "doc_hash": _hash_column(scores.documents, short),
        "target_hash": _hash_column(scores.targets, short),
        "prompt_hash": _hash_column(scores.prompts, short),
        "cluster": _hash_column(scores.clusters, short, len(scores)),
        "empty": pyarrow.array(scores.empty),
        "cut": pyarrow.nulls(len(scores), pyarrow.bool_()) if scores.cut is None else pyarrow.array(scores.cut),
    }
    columns |= {name: pyarrow.array(values, from_pandas=True) for name, values in scores.values.items()}
    parquet.write_table(pyarrow.table(columns), path, compression="zstd")


def _hash_column(hashes: Hashes | None, kind: Any, length: int = 0) -> Any:
    import pyarrow

    if hashes is None:
        return pyarrow.nulls(length, kind)
    return pyarrow.FixedSizeBinaryArray.from_buffers(kind, len(hashes), [None, pyarrow.py_buffer(hashes.tobytes())])


def read_scores(path: Path) -> Scores:
    """Read what :func:`write_scores` wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no such table.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(read_regular(path, most=LARGEST_BYTES)))
        if file.metadata.num_rows > MOST_DOCUMENTS:
            raise ValueError(f"it says that it has {file.metadata.num_rows:,} rows")  # noqa: TRY301
        table = file.read().combine_chunks()
        ids = table["doc_id"].to_numpy()
        return Scores(
            doc_ids=ids.astype(np.int64),
            **{name: _read_hashes(table, column) for name, column in _HASH_COLUMNS.items()},
            clusters=_read_hashes(table, "cluster") if table["cluster"].null_count == 0 and len(ids) else None,
            values={
                name: table[name].to_numpy().astype(np.float64)
                for name in table.column_names
                if name not in OWN_COLUMNS
            },
            empty=table["empty"].to_numpy().astype(bool),
            cut=table["cut"].to_numpy().astype(bool) if table["cut"].null_count == 0 else None,
        )
    except (pyarrow.ArrowException, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} holds no scores of documents: {error}") from error


def _read_hashes(table: Any, name: str) -> Hashes:
    column = table[name].combine_chunks()
    chunk = column.chunk(0) if hasattr(column, "chunk") else column
    if chunk.type.byte_width != HASH_BYTES:
        raise TypeError(f"{name} is no column of hashes")
    hashes: Hashes = np.frombuffer(
        chunk.buffers()[1], f"S{HASH_BYTES}", count=len(chunk), offset=HASH_BYTES * chunk.offset
    )
    return hashes
