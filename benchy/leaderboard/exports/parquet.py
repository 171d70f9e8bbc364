"""Parquet tables for the Hub's viewer, which wants one format for all tables of a data set."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from benchy.leaderboard.board import Board
from benchy.leaderboard.exports.base import Publication
from benchy.leaderboard.rows import CSV_COLUMNS, board_rows, score_columns
from benchy.record import EvaluationResult, RunRecord
from benchy.results.samples import prompt_of, read_samples

LEADERBOARD_TABLE = "leaderboard.parquet"
RESULTS_TABLE = "results.parquet"
SAMPLES_TABLE = "samples.parquet"
ROWS_AT_ONCE = 10_000
RESULTS_COLUMNS = {
    "run_name": "string", "model": "string", "commit": "string", "is_test": "bool", "benchmark": "string",
    "version": "string", "num_fewshot": "int64", "documents": "int64", "metric": "string", "filter": "string",
    "value": "double", "stderr": "double", "higher_is_better": "bool", "is_group": "bool",
}  # fmt: skip
SAMPLES_COLUMNS = dict.fromkeys(
    ("run_name", "model", "benchmark", "doc_id", "filter", "prompt", "target", "answers", "filtered_answers",
     "scores", "doc", "arguments", "doc_hash", "prompt_hash", "target_hash"), "string",
)  # fmt: skip
"""All text: what a document or an answer is differs between benchmarks, and is JSON here."""


def make_leaderboard_table(board: Board) -> bytes:
    """Return the columns and rows of ``leaderboard.csv``."""
    whole, real = {"rank", "best_rank", "worst_rank"}, {"mean", "mean_stderr"}
    columns = {name: "int64" if name in whole else "double" if name in real else "string" for name in CSV_COLUMNS}
    return _parquet(columns | dict.fromkeys(score_columns(board), "double"), board_rows(board))


def make_tables(publication: Publication) -> dict[str, bytes | Path]:
    """Return a run's tables by file name, each of the same columns for every run.

    ``samples.parquet``, made in the publication's own folder, is among them only where samples are published.
    """
    record = publication.record
    assert record.evaluation is not None  # noqa: S101 - of what is published
    tables: dict[str, bytes | Path] = {
        RESULTS_TABLE: _parquet(RESULTS_COLUMNS, _result_rows(record, record.evaluation))
    }
    if not any(part.samples_file in publication.files for part in record.evaluation.benchmarks):
        return tables
    path = publication.aside / SAMPLES_TABLE
    _write_parquet(path, SAMPLES_COLUMNS, _sample_rows(publication, record.evaluation))
    return tables | {SAMPLES_TABLE: path}


def _result_rows(record: RunRecord, evaluation: EvaluationResult) -> Iterator[dict[str, Any]]:
    for part in (*evaluation.groups, *evaluation.benchmarks):
        for metric in part.metrics:
            yield {
                **_run_columns(record),
                "commit": record.model.commit if record.model else None,
                "is_test": record.is_test,
                "benchmark": part.name,
                "metric": metric.name,
                "is_group": bool(part.members),
                "documents": part.documents_of(metric),
                **part.model_dump(include={"version", "num_fewshot"}),
                **metric.model_dump(exclude={"name", "documents"}),
            }


def _sample_rows(publication: Publication, evaluation: EvaluationResult) -> Iterator[dict[str, str]]:
    for part in evaluation.benchmarks:
        path = publication.files.get(part.samples_file or "")
        for sample in read_samples(path) if isinstance(path, Path) else ():
            yield {
                **_run_columns(publication.record),
                "benchmark": part.name,
                "doc_id": str(sample["doc_id"]),
                "filter": sample["filter"],
                "prompt": prompt_of(sample),
                "target": str(sample["target"]),
                "answers": _json(sample["resps"]),
                "filtered_answers": _json(sample["filtered_resps"]),
                "scores": _json({name: sample.get(name) for name in sample["metrics"]}),
                **{name: _json(sample[name]) for name in ("doc", "arguments")},
                **{name: str(sample[name]) for name in ("doc_hash", "prompt_hash", "target_hash")},
            }


def _run_columns(record: RunRecord) -> dict[str, str]:
    return {"run_name": record.run_name, "model": record.model_label}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _parquet(columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    stream = io.BytesIO()
    _write_parquet(stream, columns, rows)
    return stream.getvalue()


def _write_parquet(to: Path | io.BytesIO, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> None:
    """One group of rows after the other, so that not all of them are in memory."""
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema([(name, pyarrow.type_for_alias(kind)) for name, kind in columns.items()])
    left = iter(rows)
    with parquet.ParquetWriter(to, schema) as writer:
        while group := list(islice(left, ROWS_AT_ONCE)):
            writer.write_table(pyarrow.Table.from_pylist(group, schema=schema))
