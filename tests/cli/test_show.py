"""`benchy show` tells how a run went, and what the model answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import assert_refused, benchy
from tests.records import benchmark, make_record, make_run_folder, metric


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    part = benchmark("arc", metric(0.5), samples_file="samples_arc.jsonl")
    run = make_run_folder(tmp_path / "outputs", make_record("org/alpha", benchmarks=(part,), run_name="alpha"))
    path = run / "samples_arc.jsonl"
    path.write_text(path.read_text().replace('"acc": 1.0', '"acc": 0.0', 1))  # the first document is wrong
    return tmp_path


def test_a_run_is_told_with_its_scores(folder: Path) -> None:
    done = benchy("show", "alp", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("alpha: cut short\n")
    assert "Model test successful: org/alpha" in done.stdout
    assert "0.5000" in done.stdout
    assert "document" not in done.stdout.partition("stderr")[2]


def test_samples_are_shown_as_many_as_asked_for(folder: Path) -> None:
    assert benchy("show", "alpha", "--samples", 1, cwd=folder).stdout.count("\ndocument ") == 1
    assert benchy("show", "alpha", "--samples", 9, cwd=folder).stdout.count("\ndocument ") == 2


def test_wrong_documents_alone(folder: Path) -> None:
    said = benchy("show", "alpha", "--wrong", cwd=folder).stdout
    assert "\ndocument 0: acc 0.0\n" in said
    assert "document 1" not in said


def test_what_is_not_there_is_named(folder: Path) -> None:
    assert_refused(benchy("show", "beta", cwd=folder), 2, "ConfigError", 'no run "beta" in outputs', "`benchy ls`")
    (folder / "outputs" / "alpha" / "samples_arc.jsonl").unlink()
    refused = benchy("show", "alpha", "--samples", 1, cwd=folder)
    assert_refused(refused, 2, "ConfigError", "arc: no samples are kept", "evaluation.log_samples")


def test_samples_that_are_none_are_named(folder: Path) -> None:
    (folder / "outputs" / "alpha" / "samples_arc.jsonl").write_text("[5]\n")
    refused = benchy("show", "alpha", "--samples", 1, cwd=folder)
    assert refused.returncode == 2
    assert "samples_arc.jsonl holds no samples of lm-eval" in refused.stderr
