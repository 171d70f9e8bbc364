"""Writes a bench run down in ``bench/RESULTS.md``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bench.figures import HEADS, Figure, Machine, cells

RESULTS = Path(__file__).with_name("RESULTS.md")
HEADING = "## The pipeline"
HEAD = """# Results

Each part is written by the script that measured it; do not edit figures by hand.
"""


def write_results(machine: Machine, figures: Sequence[Figure], *, pairs: int, path: Path = RESULTS) -> None:
    """Replace the section on the pipeline; others stay."""
    text = path.read_text(encoding="utf-8") if path.is_file() else HEAD
    before, _, after = text.partition(HEADING)
    rest = re.search(r"^## ", after, re.MULTILINE)
    others = f"\n{after[rest.start() :]}" if rest else ""
    section = "\n\n".join([HEADING, *_paragraphs(machine, figures, pairs)])
    path.write_text(f"{before.rstrip()}\n\n{section}\n{others}", encoding="utf-8")


def _paragraphs(machine: Machine, figures: Sequence[Figure], pairs: int) -> list[str]:
    return [
        f"`make bench`: medians of {pairs} (lowest-highest). Runs of Benchy and of plain `lm_eval run` alternate, with "
        "the same model, benchmarks and arguments: the demo's.",
        str(machine),
        as_markdown(figures),
        *_missed(figures),
    ]


def as_markdown(figures: Sequence[Figure]) -> str:
    """Give the figures as a Markdown table."""
    rows = [list(HEADS), ["---"] * len(HEADS), *(cells(figure) for figure in figures)]
    return "\n".join(f"| {' | '.join(cell.strip() for cell in row)} |" for row in rows)


def _missed(figures: Sequence[Figure]) -> list[str]:
    """Return an indented figure is one of the figure above it."""
    missed, above = [], ""
    for figure in figures:
        indented = figure.what.startswith(" ")
        above = above if indented else figure.what
        name = f"{above}, {figure.what.strip()}" if indented else figure.what
        if figure.met is False:
            missed.append(f"- {name} ({figure.unit}): goal {figure.goal}. {figure.if_missed}".rstrip())
    return ["**Goals not met:**", "\n".join(missed)] if missed else ["Every goal was met."]
