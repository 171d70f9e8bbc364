"""Compares two runs answer by answer, as lm-eval's samples files beside their results hold them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchy.results.samples import read_samples

Answers = dict[tuple[str, int], list[Any]]
"""By benchmark and document: log-likelihoods or texts."""


@dataclass(frozen=True)
class Agreement:
    """How far two runs of the same questions agree."""

    log_likelihoods: int
    largest_difference: float
    mean_difference: float
    same_choice: int
    """Documents of multiple choice whose most likely choice is the same."""
    choices: int
    same_text: int
    texts: int

    def __str__(self) -> str:
        return (
            f"{self.log_likelihoods:,} log-likelihoods differ by {self.mean_difference:.1e} on average, "
            f"{self.largest_difference:.1e} at most; the best choice is the same in {self.same_choice:,} of "
            f"{self.choices:,}, the text in {self.same_text:,} of {self.texts:,}"
        )


def read_answers(folder: Path) -> Answers:
    """Read all samples below a folder."""
    answers: Answers = {}
    for path in sorted(folder.rglob("samples_*.jsonl")):
        for sample in read_samples(path):
            benchmark = path.name.removeprefix("samples_").rpartition("_")[0]
            answers[benchmark, sample["doc_id"]] = [_value(each) for each in sample["filtered_resps"]]
    return answers


def compare_answers(ours: Answers, others: Answers) -> Agreement:
    """Compare runs of the same documents.

    Raises:
        ValueError: they are not of the same documents.
    """
    if ours.keys() != others.keys() or not ours:
        raise ValueError(f"{len(ours)} and {len(others)} documents, and not the same ones")
    pairs = [(ours[key], others[key]) for key in ours]
    numbers = [(a, b) for a, b in pairs if isinstance(a[0], float)]
    texts = [(a, b) for a, b in pairs if isinstance(a[0], str)]
    differences = [abs(x - y) for a, b in numbers for x, y in zip(a, b, strict=True)]
    choices = [(a, b) for a, b in numbers if len(a) > 1]
    return Agreement(
        log_likelihoods=len(differences),
        largest_difference=max(differences, default=0.0),
        mean_difference=sum(differences) / max(1, len(differences)),
        same_choice=sum(_best(a) == _best(b) for a, b in choices),
        choices=len(choices),
        same_text=sum(a == b for a, b in texts),
        texts=len(texts),
    )


def _value(answer: Any) -> float | str:
    """Return a log-likelihood comes as a pair with whether it was the most likely one."""
    return float(answer[0]) if isinstance(answer, list) else str(answer)


def _best(log_likelihoods: list[float]) -> int:
    return log_likelihoods.index(max(log_likelihoods))
