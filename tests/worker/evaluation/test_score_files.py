"""The table of each document's scores says what lm-eval's samples say, and which answers were cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchy.protocol import Evaluation
from benchy.results.samples import read_samples
from benchy.results.score_tables import read_scores
from benchy.results.scores import make_scores
from benchy.worker.evaluation.evaluate import evaluation
from tests.worker.conftest import MakeConfig, prepared_session


def test_the_tables_are_those_of_the_samples(make_config: MakeConfig, tmp_path: Path) -> None:
    """Multiple choice, letters, generation, and rolling log-likelihood, which has no score for a single document."""
    result = evaluation(prepared_session(make_config("tiny,tiny_rolling")), Evaluation(run_folder=str(tmp_path)))

    assert {part.name for part in result.benchmarks} == {"tiny_choice", "tiny_letter", "tiny_text", "tiny_rolling"}
    for part in result.benchmarks:
        assert part.samples_file
        assert part.scores_file
        table, samples = (
            read_scores(tmp_path / part.scores_file),
            make_scores(read_samples(tmp_path / part.samples_file)),
        )
        assert len(table) == part.documents == 12
        for name in ("doc_ids", "documents", "targets", "prompts", "empty"):
            np.testing.assert_array_equal(getattr(table, name), getattr(samples, name))
        assert table.values.keys() == samples.values.keys()
        for name, values in table.values.items():
            np.testing.assert_array_equal(values, samples.values[name])
        means = {f"{metric.name},{metric.filter}": metric.value for metric in part.metrics}
        assert {name: pytest.approx(values.mean()) for name, values in table.values.items()}.items() <= means.items()
        assert table.cut is not None
        assert (table.cut.sum(), table.empty.sum()) == (part.flaws.cut, part.flaws.empty)
        assert (samples.cut is None) == (part.name == "tiny_text")  # lm-eval's samples do not tell
        assert bool(table.values) == (part.name != "tiny_rolling")
