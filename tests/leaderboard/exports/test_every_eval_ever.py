"""What an Every Eval Ever record says of a run;
tests/leaderboard/exports/test_parquet.py holds real ones to its schema.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from benchy.config import upload_section
from benchy.leaderboard.exports.every_eval_ever import hub_data_set, to_every_eval_ever
from benchy.record import ModelIdentity, RunRecord
from tests.records import benchmark, group, make_record, make_samples, metric, read_content
from tests.schemas import every_eval_ever_problems

CONFIGS = {"arc": {"dataset_path": "allenai/ai2_arc", "dataset_name": "ARC-Easy", "test_split": "test"}}


def described(record: RunRecord, **configs: Any) -> dict[str, Any]:
    (content,) = to_every_eval_ever(record, {"configs": configs or CONFIGS}, {}, Path()).values()
    found: dict[str, Any] = json.loads(read_content(content))
    assert every_eval_ever_problems(found) == []
    return found


def with_upload(record: RunRecord, to: str) -> RunRecord:
    return record.model_copy(update={"config": record.config.model_copy(update={"upload": _upload(record, to)})})


def _upload(record: RunRecord, to: str) -> Any:
    return upload_section(record.config, to)


def test_a_model_and_data_of_the_hub_are_named_as_there() -> None:
    record = make_record("org/alpha", {"arc": 0.5}, evaluation={"limit": 5}, data_sets={"allenai/ai2_arc": "0123abcd"})
    found = described(with_upload(record, "hf://datasets/lab/board"))
    assert found["model_info"]["id"] == "org/alpha"
    assert found["model_info"]["developer"] == "org"
    assert found["model_info"]["additional_details"]["model_availability"] == "open_weights"
    assert found["source_metadata"]["source_organization_name"] == "lab"
    assert found["source_metadata"]["evaluator_relationship"] == "third_party"
    assert found["source_metadata"]["additional_details"] == {"is_test": "true"}
    (result,) = found["evaluation_results"]
    assert result["source_data"]["hf_repo"] == "allenai/ai2_arc"
    assert result["source_data"]["hf_split"] == "test"
    details = {"config": "ARC-Easy", "commit": "0123abcd", "evaluated": "1000"}
    assert result["source_data"]["additional_details"] == details
    assert result["score_details"]["score"] == 0.5
    assert result["score_details"]["uncertainty"] == {"num_samples": 1000, "standard_error": {"value": 0.01}}


def test_who_evaluates_the_own_model_is_the_first_party() -> None:
    found = described(with_upload(make_record("org/alpha", {"arc": 0.5}), "hf://datasets/org/board"))
    assert found["source_metadata"]["evaluator_relationship"] == "first_party"


def test_a_folders_model_and_files_of_ones_own_are_of_no_known_source() -> None:
    in_folder = ModelIdentity(name="models/tiny", source="folder", content_hash="0" * 64)
    record = make_record("models/tiny", {"arc": 0.5}).model_copy(update={"model": in_folder})
    found = described(record, arc={"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": "a.jsonl"}}})
    assert "developer" not in found["model_info"]
    assert found["evaluation_results"][0]["source_data"]["source_type"] == "other"


@pytest.mark.parametrize(
    ("config", "repository"),
    [
        ({"dataset_path": "allenai/ai2_arc"}, "allenai/ai2_arc"),
        ({"dataset_path": "./data/arc"}, None),
        ({"dataset_path": "json", "dataset_kwargs": {"data_files": "a.jsonl"}}, None),
        ({}, None),
    ],
)
def test_a_data_set_of_the_hub_is_told_from_files(config: dict[str, Any], repository: str | None) -> None:
    assert hub_data_set(config) == repository


def test_metrics_of_which_lower_is_better_groups_and_missing_numbers() -> None:
    parts = (benchmark("lambada", metric(4.2, name="perplexity", higher_is_better=False), metric(None)),)
    record = make_record(benchmarks=parts, groups=(group("all", metric(0.5), members=("lambada",)),))
    of_group, of_benchmark = described(record)["evaluation_results"]
    assert of_group["source_data"]["additional_details"] == {"members": "lambada"}
    assert of_benchmark["evaluation_result_id"] == "lambada/perplexity,none"
    assert of_benchmark["metric_config"]["lower_is_better"] is True
    assert "min_score" not in of_benchmark["metric_config"]


def test_each_samples_row_belongs_to_one_score_and_the_record_names_the_file(tmp_path: Path) -> None:
    part = benchmark("arc", metric(0.5), metric(0.6, name="acc_norm"))
    (tmp_path / "samples").write_text("".join(f"{json.dumps(row)}\n" for row in make_samples(part)))
    record = make_record("org/alpha", benchmarks=(part,))
    files = to_every_eval_ever(record, {"configs": CONFIGS}, {"arc": tmp_path / "samples"}, tmp_path)
    content = read_content(files[f"{record.run_id}_samples.jsonl"])
    found = json.loads(read_content(files[f"{record.run_id}.json"]))
    rows = [json.loads(line) for line in content.splitlines()]
    assert every_eval_ever_problems(found, rows) == []
    assert found["detailed_evaluation_results"]["checksum"] == hashlib.sha256(content).hexdigest()
    assert found["detailed_evaluation_results"]["total_rows"] == len(rows) == 4
    path = found["detailed_evaluation_results"]["file_path"]
    assert path == f"data/benchy/org/alpha/{record.run_id}_samples.jsonl"
    assert {row["evaluation_result_id"] for row in rows} == {"arc/acc,none", "arc/acc_norm,none"}
    assert rows[0]["input"]["choices"] == [" sea", " field"]
    assert rows[0]["input"]["reference"] == rows[0]["output"]["raw"] == [" field"]
    assert rows[0]["evaluation"] == {"score": 1.0, "is_correct": True}


def test_an_id_of_another_uuid_version_gives_a_name_that_the_collection_takes(tmp_path: Path) -> None:
    part = benchmark("arc", metric(0.5))
    (tmp_path / "samples").write_text("".join(f"{json.dumps(row)}\n" for row in make_samples(part)))
    record = make_record(benchmarks=(part,), run_id="0190b2a4-8f2c-7d3e-9a1b-2c3d4e5f6071")
    files = to_every_eval_ever(record, {}, {"arc": tmp_path / "samples"}, tmp_path)
    assert sorted(files) == [f"0190b2a4-8f2c-4d3e-9a1b-2c3d4e5f6071{end}" for end in (".json", "_samples.jsonl")]
    assert every_eval_ever_problems(json.loads(read_content(files[min(files)]))) == []
