"""What an Every Eval Ever record says of a run;
tests/worker/test_published_forms.py holds real ones to its schema.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchy.config import UploadConfig
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
    return record.model_copy(update={"config": record.config.model_copy(update={"upload": UploadConfig(to=to)})})


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
    assert of_benchmark["metric_config"]["min_score"] == 1.0
    assert of_benchmark["metric_config"]["max_score"] == "Infinity"


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


VALIDATOR = "every_eval_ever==0.3.0"
"""The collection's own package; it says that it needs Python 3.12, and its validator does not."""


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package's wheel, from which Python imports as it is."""
    folder = tmp_path_factory.mktemp("validator")
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python", "--dest"]
    done = subprocess.run([*download, folder, VALIDATOR], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        pytest.skip(f"{VALIDATOR} cannot be had here: {done.stderr.strip()[-200:]}")
    return next(folder.glob("*.whl"))


def written(record: RunRecord, folder: Path, samples: Any = None) -> list[str]:
    """Return the export of a record where it says that it belongs in the collection."""
    assert record.evaluation is not None
    part = record.evaluation.benchmarks[0]
    (folder / "samples").write_text("".join(f"{json.dumps(row)}\n" for row in samples or make_samples(part)))
    files = to_every_eval_ever(record, {"configs": CONFIGS}, {part.name: folder / "samples"}, folder)
    found = json.loads(read_content(files[f"{record.run_id}.json"]))
    assert every_eval_ever_problems(found) == []
    reference = found.get("detailed_evaluation_results", {}).get("file_path")
    place = folder / (reference or "data/benchy/org/alpha/x")
    place.parent.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (place.parent / name).write_bytes(read_content(content))
    return [str((place.parent / name).relative_to(folder)) for name in files]


def of_folder(name: str, **changes: Any) -> RunRecord:
    identity = ModelIdentity(name=name, source="folder", content_hash="0" * 64)
    return make_record(name, {"arc": 0.5}, **changes).model_copy(update={"model": identity})


HARD = {
    "U+2028, U+2029 and U+0085 in a text": (make_record("org/alpha", {"arc": 0.5}), "a\u2028b\u2029c\u0085d"),
    "a folder's name": (of_folder("../models/a.b"), ""),
    "a folder called as a device is": (of_folder("data"), ""),
    "an API's name": (of_folder("llama3:8b"), ""),
    "a percentage": (make_record(benchmarks=(benchmark("arc", metric(55.0, name="exact_match")),)), ""),
    "a perplexity": (make_record(benchmarks=(benchmark("arc", metric(12.0, name="word_perplexity")),)), ""),
    "an adapter": (make_record("org/alpha", {"arc": 0.5}, model_config={"args": {"peft": "ada/lora"}}), ""),
}


def test_the_collections_own_validator_has_nothing_to_say(validator: Path, tmp_path: Path) -> None:
    """It refused the first (lines that it took for two), the paths of the next three, and 55 within 0 and 1."""
    paths = []
    for record, text in HARD.values():
        assert record.evaluation is not None
        samples = make_samples(record.evaluation.benchmarks[0])
        samples[0]["target"] = text or samples[0]["target"]
        paths += written(record, tmp_path, samples)
    command = [sys.executable, "-m", "every_eval_ever.validator.validate", "--format", "json", *paths]
    environment = os.environ | {"PYTHONPATH": str(validator)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    reports = json.loads(done.stdout)
    assert len(reports) == 2 * len(HARD)
    assert {report["file"]: report["errors"] for report in reports if report["errors"]} == {}, done.stderr


def test_what_has_no_score_for_a_document_names_no_file_of_them(tmp_path: Path) -> None:
    """It named one of no rows, which the collection refuses."""
    part = benchmark("wiki", metric(12.0, name="word_perplexity"))
    rows = [row | {"metrics": ["word_perplexity"], "word_perplexity": [-3.0, 4]} for row in make_samples(part)]
    assert len(written(make_record("org/alpha", benchmarks=(part,)), tmp_path, rows)) == 1


def test_what_makes_it_another_model_is_said() -> None:
    """A base model with an adapter was published as the plain one, and arguments, length and seeds were missing."""
    arguments = {"peft": "ada/lora", "load_in_4bit": True}
    found = described(make_record("org/alpha", {"arc": 0.5}, model_config={"args": arguments, "max_length": 512}))
    info, details = found["model_info"], found["model_info"]["additional_details"]
    assert (info["id"], info["developer"], details["base_model"]) == ("ada/lora", "ada", "org/alpha")
    assert (details["args.load_in_4bit"], details["max_length"], details["backend"]) == ("True", "512", "hf")
    assert found["evaluation_results"][0]["generation_config"]["additional_details"]["seeds"] == "0,1234,1234,1234"


@pytest.mark.parametrize(
    ("name", "value", "bounds"),
    [
        ("acc", 0.5, (0.0, 1.0)),
        ("exact_match", 55.0, (None, None)),
        ("bleu", 31.5, (0.0, 100.0)),
        ("word_perplexity", 12.0, (1.0, "Infinity")),
        ("own", 0.5, (None, None)),
    ],
)
def test_bounds_are_said_where_they_are_known_and_hold(name: str, value: float, bounds: tuple[Any, Any]) -> None:
    (result,) = described(make_record(benchmarks=(benchmark("arc", metric(value, name=name)),)))["evaluation_results"]
    assert (result["metric_config"].get("min_score"), result["metric_config"].get("max_score")) == bounds


def test_each_document_carries_lm_evals_own_hashes(tmp_path: Path) -> None:
    (path,) = [path for path in written(make_record("org/alpha", {"arc": 0.5}), tmp_path) if path.endswith("jsonl")]
    row = json.loads((tmp_path / path).read_text().splitlines()[0])
    assert row["metadata"] == {"doc_hash": "9f5d", "prompt_hash": "6ea3", "target_hash": "6b86"}
