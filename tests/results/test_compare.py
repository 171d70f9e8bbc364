"""Verdicts between two runs: the right one, on the right documents, and none where something else was asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchy.errors import ConfigError
from benchy.results.compare import compare
from benchy.results.comparison import Compared, Comparison
from benchy.results.paired_tests import mcnemar
from benchy.results.scored_run import read_run
from benchy.results.scores import Floats
from tests.results.runs import write_run


def scores(right: int, wrong: int) -> list[float]:
    return [1.0] * right + [0.0] * wrong


def only(compared: Compared) -> Comparison:
    (one,) = compared.comparisons
    return one


def compared(folder: Path, first: Sequence[float], second: Sequence[float], **settings: object) -> Comparison:
    one, other = (write_run(folder / name, {"own": row}, **settings) for name, row in (("a", first), ("b", second)))  # type: ignore[arg-type]
    return only(compare(read_run(one), read_run(other)))


def test_a_model_that_got_worse(tmp_path: Path) -> None:
    found = compared(tmp_path, scores(80, 20), [*scores(0, 30), *scores(50, 0), *scores(5, 15)])
    assert (found.verdict, found.test) == ("worse", "McNemar, exact")
    assert (found.first, found.second) == (0.8, 0.55)
    assert found.difference.mean == pytest.approx(-0.25)
    assert (found.lost, found.won) == (tuple(range(30)), tuple(range(80, 85)))
    assert found.p_value == mcnemar(5, 30)


def test_less_is_better_for_an_error_rate(tmp_path: Path) -> None:
    found = compared(tmp_path, scores(80, 20), scores(40, 60), metric="wer", more_is_better=False)
    assert (found.verdict, found.more_is_better, len(found.won)) == ("better", False, 40)


def test_too_few_questions_say_nothing(tmp_path: Path) -> None:
    found = compared(tmp_path, scores(5, 5), scores(7, 3))
    assert found.verdict == "cannot tell"
    assert found.more_needed is not None
    assert found.more_needed > 0
    assert found.smallest > 0.2


def test_many_equal_answers_are_the_same_and_few_are_not(tmp_path: Path) -> None:
    assert compared(tmp_path / "many", scores(300, 300), scores(300, 300)).verdict == "same"
    few = compared(tmp_path / "few", scores(30, 30), scores(30, 30))
    assert few.verdict == "cannot tell", "none of 60 differs, and yet one of 100 might"
    assert few.more_needed is None


def test_a_perplexity_is_compared_by_log_likelihoods(tmp_path: Path) -> None:
    rows = {"a": [-1.0, -2.0, -3.0, -2.5] * 10, "b": [-1.1, -2.1, -3.2, -2.5] * 10}
    runs = []
    for name, row in rows.items():
        value = math.exp(-sum(row) / len(row))
        folder = write_run(tmp_path / name, {"own": row}, metric="perplexity", more_is_better=False, value=value)
        runs.append(read_run(folder))
    found = only(compare(*runs))
    assert (found.metric, found.more_is_better, found.verdict) == ("log-likelihood", True, "worse")
    assert found.bootstrap is not None
    assert found.bootstrap[1] < 0
    assert found.p_same is None


def test_a_score_that_is_no_mean_is_left_out(tmp_path: Path) -> None:
    runs = [read_run(write_run(tmp_path / name, {"own": scores(3, 3)}, metric="f1", value=0.9)) for name in "ab"]
    assert compare(*runs).left_out == {"own": ("f1 is no mean of documents' scores",)}


def test_questions_about_one_passage_count_as_one(tmp_path: Path) -> None:
    documents = [{"q": f"q{i}", "a": i, "passage": f"p{i // 10}"} for i in range(60)]
    first, second = scores(30, 30), [*scores(20, 0), *scores(0, 10), *scores(10, 20)]
    found = compared(tmp_path, first, second, documents=documents)
    assert (found.clusters, found.test) == (6, "paired t, clustered")
    assert found.verdict == "cannot tell"
    plain = compared(tmp_path / "plain", first, second)
    assert found.difference.stderr > 2 * plain.difference.stderr


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": {"doc_to_text": "Well, {{q}}"}}, 'doc_to_text "Well, {{q}}", not "{{q}}"'),
        ({"settings": {"filter_list": [{"name": "x" * 80}]}}, "another filter_list"),
        ({"version": 2.0}, "version 2.0, not 1.0"),
        ({"metric": "exact_match"}, "metric and filter exact_match,none, not acc,none"),
        ({"documents": [{"q": f"other {i}", "a": i} for i in range(4)]}, "other documents or gold answers: 4 only in"),
        ({"documents": [{"q": f"own {i}", "a": i + (i == 2)} for i in range(4)]}, "gold answers: 1 only in the first"),
    ],
)
def test_what_was_not_asked_the_same_is_named_and_left_out(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    first = read_run(write_run(tmp_path / "a", {"own": scores(2, 2)}))
    second = read_run(write_run(tmp_path / "b", {"own": scores(2, 2)}, **changes))  # type: ignore[arg-type]
    found = compare(first, second)
    assert found.comparisons == ()
    assert said in "; ".join(found.left_out["own"])


def test_where_it_is_forced_it_is_said(tmp_path: Path) -> None:
    first = read_run(write_run(tmp_path / "a", {"own": scores(20, 4)}, settings={"doc_to_text": "Well"}))
    second = read_run(write_run(tmp_path / "b", {"own": scores(10, 4)}))
    found = only(compare(first, second, force=True))
    assert found.documents == 14, "those that both have"
    assert any(note.startswith("forced: doc_to_text") for note in found.notes)
    assert any("10 only in the first" in note for note in found.notes)


def test_a_chat_template_is_the_models_own(tmp_path: Path) -> None:
    first = read_run(write_run(tmp_path / "a", {"own": scores(20, 4)}))
    second = read_run(write_run(tmp_path / "b", {"own": scores(20, 4)}, template="<user>"))
    assert only(compare(first, second)).notes == ("each in its own chat template",)


def test_other_prompts_without_a_chat_template_are_no_comparison(tmp_path: Path) -> None:
    first, folder = (
        read_run(write_run(tmp_path / "a", {"own": scores(2, 2)})),
        write_run(tmp_path / "b", {"own": scores(2, 2)}),
    )
    (samples,) = folder.glob("samples_*")
    samples.write_text(samples.read_text().replace('"prompt_hash": "', '"prompt_hash": "00'))
    assert compare(first, read_run(folder)).left_out == {"own": ("the same questions in other prompts: 4",)}


def test_documents_are_paired_by_what_they_are_and_not_by_their_place(tmp_path: Path) -> None:
    documents = [{"q": f"q{i % 3}", "a": 0} for i in range(6)]
    first = read_run(write_run(tmp_path / "a", {"own": [1, 0, 0, 1, 0, 0]}, documents=documents))
    second = read_run(write_run(tmp_path / "b", {"own": [0, 0, 1, 0, 0, 1]}, documents=documents[::-1]))
    found = only(compare(first, second))
    assert (found.documents, found.won, found.lost, found.first, found.second) == (6, (), (), 1 / 3, 1 / 3)


def test_holm_is_over_all_benchmarks(tmp_path: Path) -> None:
    names = [f"b{index}" for index in range(10)]
    rows = {name: scores(60, 40) for name in names}
    first = read_run(write_run(tmp_path / "a", rows))
    second = read_run(write_run(tmp_path / "b", rows | {"b0": scores(52, 48)}))
    one = compare(first, second).comparisons[0]
    assert one.p_value < 0.05 < one.p_adjusted
    assert one.verdict == "cannot tell"


def test_a_group_is_weighted_as_lm_eval_weights_it(tmp_path: Path) -> None:
    rows = [{"a": scores(80, 20), "b": scores(5, 5)}, {"a": scores(60, 40), "b": scores(6, 4)}]
    for name, weights in (("by documents", (100 / 110, 10 / 110)), ("each alike", (0.5, 0.5))):
        runs = []
        for index, row in enumerate(rows):
            score = weights[0] * sum(row["a"]) / 100 + weights[1] * sum(row["b"]) / 10
            runs.append(read_run(write_run(tmp_path / name / str(index), row, groups={"both": (["a", "b"], score)})))
        (group,) = compare(*runs).groups
        errors = [one.difference.stderr for one in compare(*runs).comparisons]
        assert group.difference.mean == pytest.approx(weights[0] * -0.2 + weights[1] * 0.1)
        assert group.difference.stderr == pytest.approx(math.hypot(weights[0] * errors[0], weights[1] * errors[1]))


def test_what_only_one_run_has_is_said(tmp_path: Path) -> None:
    first = read_run(write_run(tmp_path / "a", {"own": scores(2, 2), "more": scores(1, 1)}))
    assert compare(first, read_run(write_run(tmp_path / "b", {"own": scores(2, 2)}))).left_out == {
        "more": ("only a has it",)
    }


def test_a_folder_without_samples_says_what_to_do(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", {"own": scores(2, 2)})
    for samples in folder.glob("samples_*"):
        samples.unlink()
    with pytest.raises(ConfigError, match="no scores of single documents are kept") as caught:
        compare(read_run(folder), read_run(folder))
    assert "log_samples" in caught.value.hint


def test_false_alarms_are_as_rare_as_promised(tmp_path: Path) -> None:
    """Two models that are equally good on each question, on three benchmarks: seldom is one called better."""
    generator, tries, alarms = np.random.default_rng(17), 200, 0
    for index in range(tries):
        chances = {name: generator.beta(1, 1, 60) for name in "xyz"}
        drawn = [{name: _drawn(row, generator) for name, row in chances.items()} for _ in "ab"]
        runs = [
            read_run(write_run(tmp_path / f"{index}{model}", rows)) for model, rows in zip("ab", drawn, strict=True)
        ]
        alarms += any(one.verdict in {"better", "worse"} for one in compare(*runs).comparisons)
    assert alarms / tries <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / tries)


def _drawn(chances: Floats, generator: np.random.Generator) -> list[float]:
    return list(map(float, generator.random(len(chances)) < chances))
