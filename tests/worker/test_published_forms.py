"""What a real evaluation leaves is published in forms that others can read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow.parquet
import pytest

from benchy.config import WandbConfig
from benchy.leaderboard.exports.parquet import RESULTS_COLUMNS, SAMPLES_COLUMNS, make_tables
from benchy.protocol import Evaluation, LogToWandb, WandbAccess
from benchy.record import write_record
from benchy.runtimes.client import Worker
from benchy.runtimes.process import ProcessRuntime
from benchy.worker.evaluation.evaluate import evaluation
from tests.records import make_record, read_content, read_publication
from tests.runtimes import A_RUN, launch
from tests.schemas import every_eval_ever_problems
from tests.worker.conftest import MakeConfig, prepared_session


def test_every_kind_of_benchmark_is_a_valid_record_and_readable_tables(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Multiple choice, letters, generation, and rolling log-likelihood, which has no score for a single document."""
    config = make_config("tiny,tiny_rolling")
    folder = tmp_path / "run"
    result = evaluation(prepared_session(config), Evaluation(run_folder=str(folder)))
    record = make_record(run_name="run").model_copy(update={"config": config, "evaluation": result})
    write_record(record, folder)

    publication = read_publication(folder, folder)
    described = json.loads(read_content(publication.files[f"{record.run_id}.json"]))
    rows = [json.loads(line) for line in read_content(publication.files[f"{record.run_id}_samples.jsonl"]).splitlines()]
    assert every_eval_ever_problems(described, rows) == []
    assert {row["evaluation_name"] for row in rows} == {"tiny_choice", "tiny_letter", "tiny_text"}
    means = {
        found["evaluation_result_id"]: found["score_details"]["score"] for found in described["evaluation_results"]
    }
    for result_id in {row["evaluation_result_id"] for row in rows}:
        scores = [row["evaluation"]["score"] for row in rows if row["evaluation_result_id"] == result_id]
        assert sum(scores) / len(scores) == means[result_id]
    answered = [row for row in rows if row["evaluation_result_id"] == "tiny_choice/acc,none"]
    assert all(
        (row["output"]["raw"] == row["input"]["reference"]) == row["evaluation"]["is_correct"] for row in answered
    )

    monkeypatch.setattr("benchy.leaderboard.exports.parquet.ROWS_AT_ONCE", 3)
    contents = {name: io.BytesIO(read_content(made)) for name, made in make_tables(publication).items()}
    assert pyarrow.parquet.ParquetFile(contents["samples.parquet"]).num_row_groups > 1
    tables = {name: pyarrow.parquet.read_table(content) for name, content in contents.items()}
    assert tables["results.parquet"].column_names == list(RESULTS_COLUMNS)
    assert tables["samples.parquet"].column_names == list(SAMPLES_COLUMNS)
    assert tables["samples.parquet"].num_rows == sum(part.documents for part in result.benchmarks)

    # and lm-eval's own logger takes them as it took what it held in memory
    access = WandbAccess(mode="offline", base_url="http://127.0.0.1:9")
    request = LogToWandb(
        record=record, run_folder=str(folder), config=WandbConfig(project="p"), access=access, samples=True
    )
    worker = Worker(ProcessRuntime().start(launch(config, role="model"), A_RUN, say=print), print)
    shown = worker.request(request, lambda _event: None)
    worker.close()
    tables_shown = Path(str(shown.folder), "files", "media", "table").glob("*_eval_results*.json")
    names = {path.name.partition("_eval_results")[0] for path in tables_shown}
    assert names == {"tiny_choice", "tiny_letter", "tiny_text", "tiny_rolling"}
