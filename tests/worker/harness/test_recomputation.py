"""Scores are recomputed by the settings that the record's digest holds, and by no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchy.protocol import Recompute
from benchy.record import RunRecord
from benchy.worker.harness.questions import as_setting
from benchy.worker.harness.recomputation import recompute
from tests.records import asked, benchmark, make_record, make_results, make_samples, metric

MEAN = [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}]


def run(folder: Path, *, value: float = 2 / 3, listed: Any = None, **config: Any) -> RunRecord:
    """Return the record of a run with right answers to two of three documents, and write what lies beside it."""
    part = benchmark(
        "arc",
        metric(value),
        documents=3,
        documents_in_all=3,
        samples_file="samples_arc.jsonl",
        questions=asked("arc", metric_list=as_setting(MEAN)),
    )
    record = make_record(benchmarks=(part,), run_name="run")
    assert record.evaluation is not None
    samples = [make_samples(part)[0] | {"doc_id": number, "acc": float(number > 0)} for number in range(3)]
    samples = [sample | {"target": str(int(sample["acc"]))} for sample in samples]
    (folder / "samples_arc.jsonl").write_text("".join(f"{json.dumps(sample)}\n" for sample in samples))
    own = {"output_type": "multiple_choice", "metric_list": listed or MEAN} | config
    results = make_results(record.evaluation) | {"configs": {"arc": own}}
    (folder / record.evaluation.results_file).write_text(json.dumps(results))
    return record


def differences(folder: Path, record: RunRecord) -> tuple[str, ...]:
    return recompute(Recompute(record=record, run_folder=str(folder))).differences


def test_honest_scores_are_recomputed(tmp_path: Path) -> None:
    found = recompute(Recompute(record=run(tmp_path), run_folder=str(tmp_path)))
    assert (found.differences, found.scores, found.left_out) == ((), 1, ())


def test_another_score_is_named(tmp_path: Path) -> None:
    (said,) = differences(tmp_path, run(tmp_path, value=0.9))
    assert said.startswith("arc: acc is 0.9, and 0.66")


@pytest.mark.parametrize("aggregation", ["median", "bypass", "nanmean"])
def test_another_aggregation_in_lm_evals_file_is_no_way_to_another_score(tmp_path: Path, aggregation: str) -> None:
    """The median of right, right and wrong is 1: the file said it, and that was believed."""
    said = differences(tmp_path, run(tmp_path, value=1.0, listed=[MEAN[0] | {"aggregation": aggregation}]))
    assert "arc: metric_list in lm-eval's results file is not the record's" in said


def test_settings_that_would_spare_the_samples_from_a_look_are_named(tmp_path: Path) -> None:
    said = differences(tmp_path, run(tmp_path, process_results="x", filter_list=[{"name": "x"}]))
    for name in ("process_results", "filter_list"):
        assert f"arc: {name} in lm-eval's results file is not the record's" in said


def test_what_holds_code_is_left_out_aloud(tmp_path: Path) -> None:
    listed = [MEAN[0] | {"aggregation": "def median(items):\n    return 1\n"}]
    found = recompute(Recompute(record=run(tmp_path, value=1.0, listed=listed), run_folder=str(tmp_path)))
    assert found.scores == 0
    assert found.left_out == ("arc: acc is aggregated by the benchmark's own code",)


def test_a_sample_whose_score_is_not_its_answers_is_named(tmp_path: Path) -> None:
    record = run(tmp_path, value=1.0)
    path = tmp_path / "samples_arc.jsonl"
    path.write_text(path.read_text().replace('"acc": 0.0', '"acc": 1.0'))
    assert differences(tmp_path, record) == ("arc: document 0: acc is 1.0, and 0.0 by its answers",)
