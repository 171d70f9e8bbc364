"""What differs between two columns of one benchmark is said in words."""

from __future__ import annotations

from typing import Any

import pytest

from benchy.record import Questions
from benchy.results.conditions import Below, Conditions, conditions_of
from benchy.results.differences import differences
from tests.records import benchmark, make_record, metric


def conditions(**changes: Any) -> Conditions:
    record = make_record(benchmarks=(benchmark("arc", metric(0.5)),))
    assert record.evaluation is not None
    made = conditions_of(record.evaluation.benchmarks[0], record.evaluation, record)
    return made.model_validate(dict(made) | changes)


def asked(documents: str = "d", examples: str | None = "e", **settings: str) -> Questions:
    return Questions(digest="x", documents=documents, examples=examples, settings=settings)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ()),
        ({"version": "2.0"}, ("version 2.0, not 1.0",)),
        ({"num_fewshot": 5}, ("5-shot, not 0",)),
        ({"documents": 2000}, ("2,000 documents, not 1,000",)),
        ({"metric": "f1", "filter": "strict"}, ("metric f1, not acc", "filter strict, not none")),
        ({"settings": "generation: temperature=1"}, ("settings generation: temperature=1",)),
    ],
)
def test_of_conditions(changes: dict[str, Any], said: tuple[str, ...]) -> None:
    assert differences(conditions(**changes), conditions(), None, None) == said


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        (asked(), asked(), ()),
        (asked("other"), asked(), ("other documents or gold answers",)),
        (asked(examples="f"), asked(), ("other documents to draw worked examples from",)),
        (asked(doc_to_text="{{q}}"), asked(doc_to_text="{{a}}"), ("doc_to_text {{q}}, not {{a}}",)),
        (asked(doc_to_text="sha256:1"), asked(doc_to_text="{{a}}"), ("another doc_to_text",)),
        (asked(), asked(description="Hi."), ("without description",)),
        (asked(num_fewshot="5"), asked(num_fewshot="0"), ()),
        (None, asked(), ("no digest of its questions",)),
        (asked(), None, ("with a digest of its questions",)),
    ],
)
def test_of_questions(new: Questions | None, old: Questions | None, said: tuple[str, ...]) -> None:
    assert differences(conditions(), conditions(), new, old) == said


def test_of_many_members_the_first_are_named() -> None:
    def below(name: str, version: str) -> Below:
        return Below(name=name, version=version, num_fewshot=0, documents=10, questions="q")

    one = conditions(below=tuple(below(name, "2") for name in "abcde"))
    other = conditions(below=tuple(below(name, "1") for name in "abcde"))
    assert differences(one, other, None, None) == ("below it a, b, c and 2 more differ",)
    assert differences(conditions(below=(below("a", "2"),)), conditions(below=(below("a", "1"),)), None, None) == (
        "below it a differs",
    )
