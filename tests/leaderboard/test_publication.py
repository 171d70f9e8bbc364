from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchy.errors import UploadFailed
from benchy.hashing import hash_content
from benchy.leaderboard.publication import as_published, make_publication
from benchy.record import ModelIdentity, RunRecord, Uploaded, read_record, write_record
from benchy.results.finished import read_finished
from tests.records import benchmark, make_record, make_run_folder, metric, read_content, read_publication


def failed(record: RunRecord, kind: str = "UploadFailed") -> RunRecord:
    error = {"kind": kind, "message": "the disk was away"}
    return RunRecord.model_validate(record.model_dump() | {"status": "failed", "error": error})


def test_the_record_and_lm_evals_own_file_are_published(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, make_record())
    files = read_publication(folder, folder).files
    results = folder / "results_2026-11-01T12-05-00.json"
    assert files.keys() == {"record.json", results.name, f"{read_record(folder).run_id}.json"}
    assert files[results.name] == results
    assert isinstance(files["record.json"], bytes)
    assert json.loads(files["record.json"])["status"] == "published"


def test_samples_are_published_unless_they_must_not_be(tmp_path: Path) -> None:
    part = benchmark("arc", metric(0.5), samples_file="samples_arc.jsonl")
    folder = make_run_folder(tmp_path, make_record(benchmarks=(part,)))
    assert read_publication(folder, folder).files["samples_arc.jsonl"] == folder / "samples_arc.jsonl"
    without = read_publication(folder, folder, samples=False)
    assert "samples_arc.jsonl" not in without.files
    assert b"samples_arc" not in without.files["record.json"]  # type: ignore[operator]
    (folder / "samples_arc.jsonl").unlink()
    assert read_publication(folder, folder, samples=False).files.keys() == without.files.keys()
    with pytest.raises(UploadFailed, match=r"samples_arc\.jsonl is missing"):
        read_publication(folder, folder)


def test_what_is_published_is_the_same_whenever_it_is_uploaded() -> None:
    record = make_record()
    uploaded = Uploaded(url="file:///x", already_there=False, rank=1, upload_seconds=1.0)
    later = record.model_copy(update={"status": "published", "uploaded": uploaded})
    assert as_published(record) == as_published(failed(record)) == as_published(later)


def test_paths_of_this_machine_are_not_published() -> None:
    record = make_record(
        "/home/somebody/models/tiny",
        run_name="run",
        evaluation={"output_path": "/home/somebody/outputs", "include_path": "/home/somebody/tasks"},
        model_config={"args": {"tokenizer": "~/tokenizers/tiny", "load_in_8bit": True}},
        log_file="/home/somebody/logs/benchy_tiny.log",
    )
    in_folder = ModelIdentity(name="/home/somebody/models/tiny", source="folder", content_hash="0" * 64)
    published = as_published(record.model_copy(update={"model": in_folder}))
    assert "/home/somebody" not in published.model_dump_json()
    assert published.model is not None
    assert (published.model.name, published.log_file) == ("tiny", "benchy_tiny.log")
    assert published.config.model.args == {"tokenizer": "tiny", "load_in_8bit": True}


def test_what_looks_like_a_path_but_is_part_of_a_prompt_is_published() -> None:
    record = make_record(evaluation={"system_instruction": "/no_think"})
    assert as_published(record).config.evaluation.system_instruction == "/no_think"


@pytest.mark.parametrize("status", ["started", "tested", "interrupted", "failed"])
def test_a_run_without_scores_is_refused(tmp_path: Path, status: str) -> None:
    folder = make_run_folder(
        tmp_path, make_record(status=status, evaluation=None).model_copy(update={"evaluation": None})
    )
    with pytest.raises(UploadFailed, match=f"has no scores: it is {status}") as caught:
        read_publication(folder, folder)
    assert "start the run again" in caught.value.hint


def test_a_run_that_failed_while_uploading_can_be_published(tmp_path: Path) -> None:
    assert read_publication(make_run_folder(tmp_path, failed(make_record())), tmp_path).record.error is None


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UploadFailed, match="holds no readable record"):
        read_publication(tmp_path, tmp_path)


def test_a_missing_results_file_is_named(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, make_record())
    (folder / "results_2026-11-01T12-05-00.json").unlink()
    with pytest.raises(UploadFailed, match=r"results_2026-11-01T12-05-00\.json is missing"):
        read_publication(folder, folder)


def test_a_damaged_results_file_is_named(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, make_record())
    (folder / "results_2026-11-01T12-05-00.json").write_text('{"results": ')
    with pytest.raises(UploadFailed, match=r"results_2026-11-01T12-05-00\.json is damaged"):
        read_publication(folder, folder)


def test_a_record_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    record = make_record(run_name="run")
    folder = make_run_folder(tmp_path, record)
    assert record.evaluation is not None
    evaluation = record.evaluation.model_copy(update={"results_file": "../../results.json"})
    for forged in ({"run_name": "../run"}, {"run_name": "a\nb"}, {"evaluation": evaluation}):
        write_record(record.model_copy(update=forged), folder)
        with pytest.raises(UploadFailed, match="no plain file name"):
            read_publication(folder, folder)


def test_a_record_that_was_edited_is_not_published_as_it_stands(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, make_record(scores={"arc": 0.5}))
    text = (folder / "record.json").read_text()
    (folder / "record.json").write_text(text.replace('"value": 0.5', '"value": 0.9'))
    with pytest.raises(UploadFailed, match="was edited since Benchy wrote it"):
        read_publication(folder, folder)


def test_a_record_that_contradicts_lm_evals_own_file_is_not_published(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, make_record(scores={"arc": 0.5}))
    write_record(make_record(scores={"arc": 0.9}, run_name=folder.name), folder)
    with pytest.raises(UploadFailed, match=r"arc: acc,none is 0\.9 in the record, 0\.5 in lm-eval's results file"):
        read_publication(folder, folder)


def test_files_that_were_changed_since_the_evaluation_are_not_published(tmp_path: Path) -> None:
    record = make_record(scores={"arc": 0.5})
    folder = make_run_folder(tmp_path, record)
    (results,) = folder.glob("results_*.json")
    write_record(record.model_copy(update={"file_hashes": {results.name: hash_content(results)}}), folder)
    assert read_publication(folder, folder).record.file_hashes == {results.name: hash_content(results)}
    results.write_text(results.read_text().replace("}", " }", 1))
    with pytest.raises(UploadFailed, match="was changed since the evaluation"):
        read_publication(folder, folder)


def test_paths_and_secrets_are_cleaned_from_lm_evals_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-mine")
    record = make_record(
        "/home/somebody/models/m",
        run_name="run",
        evaluation={"include_path": "/home/somebody/tasks", "system_instruction": "/no_think"},
    )
    folder = make_run_folder(tmp_path, record)
    (results,) = folder.glob("results_*.json")
    more = {
        "config": {"model_args": {"pretrained": "/home/somebody/models/m", "api_key": "a-key-of-mine"}},
        "model_name_sanitized": "__home__somebody__models__m",
        "configs": {
            "arc_easy": {"metadata": {"config_source": "/srv/else/arc.yaml"}, "doc_to_text": "/no_think {{q}}"}
        },
        "system_instruction": "/no_think",
        "said": "read /home/somebody/models/m-2 with a-key-of-mine",
    }
    results.write_text(json.dumps(json.loads(results.read_text()) | more))
    published = json.loads(read_content(read_publication(folder, folder).files[results.name]))
    assert published["config"]["model_args"] == {"pretrained": "m", "api_key": "***"}
    assert published["model_name_sanitized"] == "m"
    assert published["configs"]["arc_easy"] == {
        "metadata": {"config_source": "arc.yaml"},
        "doc_to_text": "/no_think {{q}}",
    }
    assert published["system_instruction"] == "/no_think"
    assert published["said"] == "read /home/somebody/models/m-2 with ***"


def test_scores_of_documents_are_published_without_samples_too_unless_they_must_not_be(tmp_path: Path) -> None:
    part = benchmark("arc", metric(0.5), samples_file="samples_arc.jsonl", scores_file="scores_arc.parquet")
    folder = make_run_folder(tmp_path, make_record(benchmarks=(part,)))
    (folder / "scores_arc.parquet").write_bytes(b"PAR1")
    assert read_publication(folder, folder, samples=False).files["scores_arc.parquet"] == folder / "scores_arc.parquet"
    without = make_publication(read_finished(folder), folder, folder, samples=False, scores=False)
    assert not any("arc" in name for name in without.files)
    assert b"scores_arc" not in without.files["record.json"]  # type: ignore[operator]
