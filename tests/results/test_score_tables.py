"""A table of scores comes back as it was written, and what is none is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from benchy.results.score_tables import MOST_DOCUMENTS, read_scores, write_scores
from benchy.results.scores import HASH_BYTES, Scores

COUNT = 5


def hashes(seed: int) -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
    return np.frombuffer(np.random.default_rng(seed).bytes(HASH_BYTES * COUNT), f"S{HASH_BYTES}")


@pytest.fixture
def scores() -> Scores:
    return Scores(
        doc_ids=np.arange(COUNT) * 3,
        documents=hashes(1),
        targets=hashes(2),
        prompts=hashes(3),
        values={"acc,none": np.array([1.0, 0, np.nan, 0.5, 1]), "f1,strict": np.linspace(0, 1, COUNT)},
        clusters=hashes(4),
        empty=np.array([True, False, False, False, True]),
        cut=np.array([False, True, False, False, False]),
    )


def without(scores: Scores, **changes: None) -> Scores:
    return Scores(**{**vars(scores), **changes})


def test_all_columns_come_back(scores: Scores, tmp_path: Path) -> None:
    write_scores(scores, tmp_path / "scores.parquet")
    found = read_scores(tmp_path / "scores.parquet")
    for name in ("doc_ids", "documents", "targets", "prompts", "clusters", "empty", "cut"):
        assert np.array_equal(getattr(found, name), getattr(scores, name)), name
    assert list(found.values) == ["acc,none", "f1,strict"]
    for name, column in scores.values.items():
        assert np.array_equal(found.values[name], column, equal_nan=True)


def test_what_is_not_known_stays_unknown(scores: Scores, tmp_path: Path) -> None:
    write_scores(without(scores, clusters=None, cut=None), tmp_path / "scores.parquet")
    found = read_scores(tmp_path / "scores.parquet")
    assert (found.clusters, found.cut) == (None, None)


def test_it_holds_no_text(scores: Scores, tmp_path: Path) -> None:
    write_scores(scores, tmp_path / "scores.parquet")
    kinds = {str(field.type) for field in parquet.read_schema(tmp_path / "scores.parquet")}
    assert kinds == {"int64", "fixed_size_binary[16]", "bool", "double"}


def test_what_is_no_such_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match="holds no scores of documents"):
        read_scores(path)
    parquet.write_table(pyarrow.table({"doc_id": [1], "doc_hash": ["text"]}), path)
    with pytest.raises(ValueError, match="holds no scores of documents"):
        read_scores(path)
    path.unlink()
    with pytest.raises(OSError, match=r"scores\.parquet"):
        read_scores(path)


def test_a_small_file_of_very_many_rows_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    parquet.write_table(pyarrow.table({"doc_id": pyarrow.nulls(MOST_DOCUMENTS + 1, pyarrow.int8())}), path)
    assert path.stat().st_size < 10**6
    with pytest.raises(ValueError, match="it says that it has 10,000,001 rows"):
        read_scores(path)
