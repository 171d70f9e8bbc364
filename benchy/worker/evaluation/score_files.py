"""Writes each document's scores beside lm-eval's samples, while it is still known which answers were cut."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchy.results.score_tables import write_scores
from benchy.results.scores import make_scores
from benchy.worker.backends.api import is_without_text
from benchy.worker.backends.texts import CutText
from benchy.worker.evaluation.output_files import file_part

logger = logging.getLogger(__name__)


def write_score_files(folder: Path, samples: Mapping[str, list[Any]], cluster: str | None) -> dict[str, str]:
    """Write a table a benchmark and return the files' names; a benchmark of which none can be made has none.

    Args:
        folder: where they go.
        samples: lm-eval's, before its tracker makes texts of them.
        cluster: the field of a document that several share.

    Raises:
        OSError: the folder cannot be written.
    """
    names = {}
    for benchmark, of_benchmark in samples.items():
        name = f"scores_{file_part(benchmark)}.parquet"
        try:
            scores = make_scores(of_benchmark, cluster=cluster, is_cut=_is_cut, is_empty=is_without_text)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning(f"{benchmark}: no table of its documents' scores ({type(error).__name__}: {error})")
            continue
        write_scores(scores, folder / name)
        names[benchmark] = name
    return names


def _is_cut(text: str) -> bool:
    return isinstance(text, CutText)
