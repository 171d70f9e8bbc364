"""A fault of a benchmark's own is told with its benchmark, key or document, what was expected and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchy.errors import EvaluationFailed
from benchy.protocol import Evaluation
from benchy.worker.evaluation.evaluate import evaluation
from benchy.worker.harness.benchmarks import build_tasks
from tests.worker.conftest import MakeConfig, prepared_session

QUESTIONS = [
    {"question": "Where does the crow live?", "choices": ["sea", "field"], "answer": 1},
    {"question": "What does the carp eat?", "choices": ["leaves", "worms"], "answer": 0},
    {"question": "What does the mouse eat?", "choices": ["seeds", "flies"], "answer": 9},
]
CHOICE: dict[str, Any] = {
    "task": "own",
    "dataset_path": "json",
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}}",
    "doc_to_choice": "{{choices}}",
    "doc_to_target": "{{answer}}",
}


@pytest.fixture
def own(tmp_path: Path, make_config: MakeConfig) -> Any:
    """Make a config of the benchmark ``own``, with some of its keys changed."""

    def make(**changes: Any) -> Any:
        folder = tmp_path / "own"
        folder.mkdir(exist_ok=True)
        (folder / "own.jsonl").write_text("".join(f"{json.dumps(question)}\n" for question in QUESTIONS))
        files = {"dataset_kwargs": {"data_files": {"test": str(folder / "own.jsonl")}}}
        (folder / "own.yaml").write_text(yaml.safe_dump(CHOICE | files | changes))
        return make_config("own", include_path=str(folder))

    return make


@pytest.mark.parametrize(
    ("changes", "said", "remedy"),
    [
        ({"test_split": "validation"}, 'test_split is "validation", and the data has no such split', "splits are test"),
        ({"fewshot_split": "train", "num_fewshot": 1}, 'fewshot_split is "train"', "fix fewshot_split"),
        ({"doc_to_text": "{{questionn}}"}, "'questionn' is undefined", "fields answer, choices, question"),
        ({"doc_to_target": "{{anser}}"}, "doc_to_target ('{{anser}}') fails", "fix doc_to_target"),
        ({"doc_to_choice": "{{choices[7]}}"}, "list object has no element 7", "fix doc_to_choice"),
        ({"doc_to_text": "questionn"}, 'doc_to_text is "questionn", which is no field', 'mean "question"?'),
        ({"metric_list": [{"metric": "acck"}]}, 'the metric "acck" is none of', 'did you mean "acc"?'),
    ],
)
def test_what_is_wrong_is_named_as_the_benchmark_is_built(
    own: Any, changes: dict[str, Any], said: str, remedy: str
) -> None:
    with pytest.raises(EvaluationFailed) as caught:
        build_tasks(own(**changes), {})
    assert 'benchmark "own"' in caught.value.message
    assert said in caught.value.message
    assert remedy in caught.value.hint


def _write_rows(config: Any, rows: list[dict[str, Any]]) -> None:
    path = Path(config.evaluation.include_path[0]) / "own.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"answer": 99},
            "its first document has the gold answer 99 for the choices ['sea', 'field']",
        ),  # was IndexError
        ({"choices": []}, "its first document has the gold answer 1 for the choices []"),
        ({"choices": ["sea", None]}, "its first document has the gold answer 1 for the choices ['sea', None]"),
        ({"choices": ["", "sea"]}, "its first document has the gold answer 1 for the choices ['', 'sea']"),
    ],
)
def test_a_first_document_that_lm_eval_cannot_try_is_named(own: Any, changes: dict[str, Any], said: str) -> None:
    config = own(doc_to_choice="choices", doc_to_target="{{answer}}")
    _write_rows(config, [QUESTIONS[0] | changes, *QUESTIONS])
    with pytest.raises(EvaluationFailed) as caught:
        build_tasks(config, {})
    assert caught.value.message == f'benchmark "own": {said}'
    assert "fix that document, or the keys doc_to_text" in caught.value.hint


BOMB = "{% for a in range(90000) %}{% for b in range(90000) %}{{ '' }}{% endfor %}{% endfor %}"


@pytest.mark.parametrize("key", ["doc_to_text", "doc_to_target"])
def test_a_template_that_computes_for_ever_is_ended_and_named(own: Any, key: str) -> None:
    """It took 80 s and more, and then no message came."""
    with pytest.raises(EvaluationFailed, match=f"{key} .* was still computing for one document after 10 s"):
        build_tasks(own(**{key: BOMB}), {})


def test_lines_that_are_no_json_are_named(own: Any) -> None:
    config = own()
    with (Path(config.evaluation.include_path[0]) / "own.jsonl").open("a") as rows:
        rows.write('{"question": ')
    with pytest.raises(EvaluationFailed) as caught:
        build_tasks(config, {})
    assert 'benchmark "own": its data cannot be read: JSON parse error' in caught.value.message
    assert "each line is one JSON object" in caught.value.hint


FIELDS = {"doc_to_choice": "choices", "doc_to_target": "answer"}
TARGET = {"output_type": "loglikelihood", "doc_to_choice": None, "metric_list": [{"metric": "acc"}]}


@pytest.mark.parametrize(
    ("keys", "changes", "said"),
    [
        (FIELDS, {"answer": None}, "document 1 cannot be scored, {'question': 'Where does the crow live?'"),
        (FIELDS, {"choices": None}, "nothing can be asked of document 1, {'question': 'Where does the crow live?'"),
        (FIELDS, {"choices": ["sea", None]}, "document 1 cannot be scored"),
        (TARGET | {"doc_to_target": "{{[answer, 1] if answer else answer}}"}, {"answer": 0}, "its target is no text"),
    ],
)
def test_a_later_document_that_cannot_be_scored_is_named_before_a_model_is_asked(
    own: Any, tmp_path: Path, keys: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    config = own(**keys)
    events: list[Any] = []
    _write_rows(config, [QUESTIONS[0], QUESTIONS[0] | changes, QUESTIONS[1]])
    session = prepared_session(config, events)
    with pytest.raises(EvaluationFailed) as caught:
        evaluation(session, Evaluation(run_folder=str(tmp_path / "run")))
    assert said in caught.value.message
    assert "fix that document" in caught.value.hint
    assert not [event for event in events if getattr(event, "label", "") == "evaluation"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_fewshot": 5}, "5 few-shot examples are asked for, and there are 3 documents"),
        ({"num_fewshot": 2}, "document 2 of the few-shot examples has no gold answer among its choices: 9 for"),
        ({"doc_to_target": "{{question}}"}, "no document has a gold answer among its choices; the first has 'Where do"),
        ({"doc_to_target": "{{none}}"}, "no document has a gold answer among its choices; the first has 'None' for"),
    ],
)
def test_what_is_wrong_with_documents_is_named_before_a_model_is_asked(
    own: Any, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    events: list[Any] = []
    session = prepared_session(own(**changes), events)
    with pytest.raises(EvaluationFailed) as caught:
        evaluation(session, Evaluation(run_folder=str(tmp_path / "run")))
    assert said in caught.value.message
    assert not [event for event in events if getattr(event, "label", "") == "evaluation"]


def test_a_gold_answer_that_is_no_choice_is_counted(own: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    result = evaluation(prepared_session(own()), Evaluation(run_folder=str(tmp_path / "run")))
    assert result.benchmarks[0].flaws.without_gold == 1
    assert any("own: in 1 of 3 documents the gold answer is none of the choices" in said for said in result.warnings)
    assert "no gold answer among the choices of document 2" in caplog.text


def test_a_benchmark_that_scores_by_its_own_code_keeps_its_gold_answers_where_it_likes(
    own: Any, tmp_path: Path
) -> None:
    config = own(doc_to_target="{{question}}")
    task = tmp_path / "own" / "own.yaml"
    task.write_text(f"{task.read_text()}process_results: !function scoring.score\n")
    (tmp_path / "own" / "scoring.py").write_text("def score(doc, results):\n    return {'acc': 1.0}\n")
    result = evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / "run")))
    assert result.benchmarks[0].flaws.without_gold == 0
    assert result.benchmarks[0].metrics[0].value == 1.0
