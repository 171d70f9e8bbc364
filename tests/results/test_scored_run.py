"""What a run scored is read from lm-eval's files, with or without a record of Benchy's beside them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchy.errors import ConfigError
from benchy.record import write_record
from benchy.record.results import Flaws
from benchy.results.scored_run import headline_of, is_run, merge_runs, read_run
from tests.records import benchmark, make_record, metric
from tests.results.runs import write_run


def test_a_plain_folder_of_lm_eval(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "model", {"a": [1, 0], "b": [1, 1]}, groups={"both": (["a", "b"], 0.75)}, total=5)
    run = read_run(folder)
    assert (run.label, run.is_test, list(run.benchmarks)) == ("model", True, ["a", "b"])
    part = run.benchmarks["a"]
    assert (part.values, part.headline, part.documents, part.documents_in_all) == ({"acc,none": 0.5}, "acc,none", 2, 5)
    assert part.scores.values["acc,none"].tolist() == [1, 0]
    assert part.cut is None
    assert [(group.name, group.members, group.values) for group in run.groups] == [
        ("both", ("a", "b"), {"acc,none": 0.75})
    ]


def test_with_a_record_the_model_has_its_name_and_cut_answers_are_known(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "folder", {"a": [1, 0]})
    part = benchmark("a", metric(0.5), flaws=Flaws(cut=3))
    write_record(make_record("org/model", benchmarks=(part,)), folder)
    run = read_run(folder)
    assert run.label == "org/model"
    assert run.cut_in("a") == 3


def test_results_may_lie_in_a_folder_below_and_the_newest_count(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "out" / "org__model", {"a": [1, 1]})
    newer = json.loads(next(folder.glob("results_*")).read_text()) | {"model_name": "newer"}
    (folder / "results_2026-02-01T00-00-00.000000.json").write_text(json.dumps(newer))
    assert is_run(tmp_path / "out")
    assert read_run(tmp_path / "out").label == "newer"


def test_what_is_no_run_or_damaged_is_named(tmp_path: Path) -> None:
    assert not is_run(tmp_path)
    with pytest.raises(ConfigError, match="holds no results of lm-eval"):
        read_run(tmp_path)
    folder = write_run(tmp_path / "run", {"a": [1]})
    (folder / "record.json").write_text("[]")
    with pytest.raises(ConfigError, match="no readable record"):
        read_run(folder)
    (folder / "record.json").unlink()
    next(folder.glob("results_*")).write_text('{"configs": {"a": 5}}')
    with pytest.raises(ConfigError, match="no file of lm-eval's results"):
        read_run(folder)


def test_without_samples_the_scores_are_missed_by_name(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", {"a": [1]})
    next(folder.glob("samples_*")).unlink()
    with pytest.raises(ConfigError, match="a: no scores of single documents") as caught:
        _ = read_run(folder).benchmarks["a"].scores
    assert "log_samples" in caught.value.hint


def test_groups_of_groups_have_the_benchmarks_at_any_depth(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", {"a": [1], "b": [1]}, groups={"top": (["low", "b"], 1.0), "low": (["a"], 1.0)})
    run = read_run(folder)
    assert (run.members_of("top"), run.members_of("low"), run.members_of("a")) == (("a", "b"), ("a",), ("a",))


def test_of_several_runs_of_a_model_the_last_counts(tmp_path: Path) -> None:
    first = read_run(write_run(tmp_path / "1", {"a": [1, 1], "b": [1]}))
    second = read_run(write_run(tmp_path / "2", {"a": [0, 0], "c": [1]}))
    merged = merge_runs("model", [first, replace(second, label="x")])
    assert merged.label == "model"
    assert {name: part.values["acc,none"] for name, part in merged.benchmarks.items()} == {"a": 0, "b": 1, "c": 1}


@pytest.mark.parametrize(
    ("values", "headline"),
    [({"f1,none": 1, "acc_norm,none": 1}, "acc_norm,none"), ({"em,strict": 1, "em,loose": 1}, "em,strict")],
)
def test_the_headline(values: dict[str, float], headline: str) -> None:
    assert headline_of(values) == headline
