"""Renders comparisons as one HTML page: the differences as a forest plot, and the documents that flipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchy.plain_text import plain
from benchy.results.comparison import Compared, Comparison
from benchy.results.samples import choices_of, prompt_of, read_samples
from benchy.results.scored_run import ScoredBenchmark, ScoredRun

FLIPS_SHOWN = 25
"""Documents of a benchmark that are shown for each direction."""
LONGEST_TEXT = 2000
"""Characters of a prompt or an answer that are shown: of a prompt its end, where the question stands."""


@dataclass(frozen=True)
class Bar:
    """Where a difference and its interval stand in the plot, in percent of its width."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Flip:
    """A document on which one run scored better than the other."""

    doc_id: int
    won: bool
    """By the second run."""
    prompt: str
    target: str
    first: str
    """What the first run answered."""
    second: str


@dataclass(frozen=True)
class Pair:
    """Two runs, as the page shows them."""

    compared: Compared
    rows: tuple[tuple[Comparison, Bar], ...]
    flips: Mapping[str, tuple[Flip, ...]]
    """By benchmark; nothing where no samples are kept."""
    zero: float
    """Where "no difference" stands in the plot, in percent."""
    reach: float
    """What the plot's right end stands for."""


def as_html(compared: Sequence[tuple[ScoredRun, ScoredRun, Compared]]) -> str:
    """Return one page without scripts, which loads nothing; all texts of models are escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template("comparison.html.jinja")
    return page.render(pairs=[_pair(first, second, result) for first, second, result in compared], plain=plain)


def _pair(first: ScoredRun, second: ScoredRun, compared: Compared) -> Pair:
    rows = (*compared.groups, *compared.comparisons)
    reach = max([abs(end) for one in rows for end in _ends(one)], default=1.0) or 1.0
    return Pair(
        compared=compared,
        rows=tuple((one, _bar(one, reach)) for one in rows),
        flips={
            one.name: tuple(_flips(one, first.benchmarks[one.name], second.benchmarks[one.name]))
            for one in compared.comparisons
        },
        zero=50.0,
        reach=reach,
    )


def _ends(one: Comparison) -> tuple[float, float, float]:
    """Return the difference and the ends of its interval; those that are nowhere are left at the difference."""
    low, high = one.difference.interval()
    middle = one.difference.mean
    return middle, (low if abs(low) < float("inf") else middle), (high if abs(high) < float("inf") else middle)


def _bar(one: Comparison, reach: float) -> Bar:
    middle, low, high = (50 + 48 * end / reach for end in _ends(one))
    return Bar(middle, low, high)


def _flips(one: Comparison, first: ScoredBenchmark, second: ScoredBenchmark) -> Iterator[Flip]:
    wanted = dict.fromkeys(one.won[:FLIPS_SHOWN], True) | dict.fromkeys(one.lost[:FLIPS_SHOWN], False)
    before, after = _samples(first, wanted), _samples(second, None)
    for doc_id, won in wanted.items():
        sample = before.get(doc_id)
        other = after.get(str(sample["doc_hash"])) if sample else None
        if sample is not None and other is not None:
            yield Flip(
                doc_id=doc_id,
                won=won,
                prompt=prompt_of(sample)[-LONGEST_TEXT:],
                target=str(sample["target"])[:LONGEST_TEXT],
                first=_answer(sample),
                second=_answer(other),
            )


def _samples(part: ScoredBenchmark, wanted: Mapping[int, bool] | None) -> dict[Any, Mapping[str, Any]]:
    """Return samples of the headline's filter: the wanted ones by id, else all by the document's hash."""
    found: dict[Any, Mapping[str, Any]] = {}
    for path in part.files:
        if path.suffix == ".jsonl" and path.is_file():
            for sample in read_samples(path):
                if sample.get("filter") == part.headline.partition(",")[2] and (
                    wanted is None or sample["doc_id"] in wanted
                ):
                    found.setdefault(sample["doc_id"] if wanted is not None else str(sample["doc_hash"]), sample)
            break
    return found


def _answer(sample: Mapping[str, Any]) -> str:
    """Return the choice that was found most likely, or the text that the filter left."""
    choices = choices_of(sample)
    answers = sample["filtered_resps"]
    if choices and len(answers) == len(choices):
        likely = max(range(len(choices)), key=lambda index: float(answers[index][0]))
        return choices[likely].strip()[:LONGEST_TEXT]
    return str(answers[0] if answers else "")[:LONGEST_TEXT]
