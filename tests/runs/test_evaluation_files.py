from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from benchy.errors import EvaluationFailed
from benchy.hashing import hash_content
from benchy.record import EvaluationResult
from benchy.runs.evaluation_files import take_files
from tests.records import benchmark, make_evaluation, make_results, metric


def evaluated(folder: Path, *, score: float = 0.5) -> tuple[EvaluationResult, Path]:
    """Return what a worker answers, and the folder in which it wrote."""
    result = make_evaluation((benchmark("arc", metric(score), samples_file="samples_arc.jsonl"),))
    worker = folder / "worker"
    worker.mkdir()
    (worker / result.results_file).write_text(json.dumps(make_results(result)))
    (worker / "samples_arc.jsonl").write_text('{"doc_id": 0}\n')
    return result, worker


def test_the_hosts_own_copies_are_hashed(tmp_path: Path) -> None:
    result, worker = evaluated(tmp_path)
    (worker / "samples_arc.jsonl").rename(worker / "elsewhere")
    os.link(worker / "elsewhere", worker / "samples_arc.jsonl")
    hashes = take_files(tmp_path, result)
    (worker / "elsewhere").write_text("changed by whoever holds the other link")
    assert hashes.keys() == {"samples_arc.jsonl", result.results_file}
    assert hashes == {name: hash_content(tmp_path / name) for name in hashes}


def test_a_secret_of_this_process_is_masked_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "planted-token")
    result, worker = evaluated(tmp_path)
    (worker / "samples_arc.jsonl").write_bytes(b'{"resps": "planted-token \xff"}\n')
    take_files(tmp_path, result)
    assert (tmp_path / "samples_arc.jsonl").read_bytes() == b'{"resps": "*** \xff"}\n'


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    result, worker = evaluated(tmp_path)
    (worker / "samples_arc.jsonl").unlink()
    for make in (lambda path: path.symlink_to("/etc/hostname"), os.mkfifo):
        make(worker / "samples_arc.jsonl")
        with pytest.raises(EvaluationFailed, match="cannot be read"):
            take_files(tmp_path, result)
        (worker / "samples_arc.jsonl").unlink()
    assert not (tmp_path / "samples_arc.jsonl").exists()


def test_an_answer_that_contradicts_the_files_is_refused(tmp_path: Path) -> None:
    evaluated(tmp_path, score=0.5)
    forged = make_evaluation((benchmark("arc", metric(0.9)),))
    with pytest.raises(EvaluationFailed, match=r"contradicts lm-eval's own file: arc: acc,none is 0\.9"):
        take_files(tmp_path, forged)
