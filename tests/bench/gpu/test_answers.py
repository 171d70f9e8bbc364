"""Two runs are compared answer by answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.gpu.answers import compare_answers, read_answers


def write_run(folder: Path, choices: list[list[float]], texts: list[str]) -> Path:
    """Write samples as lm-eval does: a log-likelihood comes with whether it was the most likely one."""
    samples: dict[str, list[list[Any]]] = {
        "own_choices": [[[value, False] for value in values] for values in choices],
        "texts": [[text] for text in texts],
    }
    folder.mkdir()
    for name, answers in samples.items():
        lines = [json.dumps({"doc_id": number, "filtered_resps": given}) for number, given in enumerate(answers)]
        (folder / f"samples_{name}_2026-11-26T20-00-00.000001.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_differences_choices_and_texts_are_counted(tmp_path: Path) -> None:
    one = read_answers(write_run(tmp_path / "one", [[-1.0, -2.0], [-3.0, -1.5]], ["a", "b"]))
    other = read_answers(write_run(tmp_path / "other", [[-1.0, -2.5], [-1.0, -1.5]], ["a", "c"]))
    found = compare_answers(one, other)
    assert (found.log_likelihoods, found.largest_difference, found.mean_difference) == (4, 2.0, 0.625)
    assert (found.same_choice, found.choices) == (1, 2)
    assert (found.same_text, found.texts) == (1, 2)


def test_runs_of_other_documents_are_not_compared(tmp_path: Path) -> None:
    one = read_answers(write_run(tmp_path / "one", [[-1.0, -2.0]], ["a"]))
    other = read_answers(write_run(tmp_path / "other", [[-1.0, -2.0]], ["a", "b"]))
    with pytest.raises(ValueError, match="2 and 3 documents"):
        compare_answers(one, other)
