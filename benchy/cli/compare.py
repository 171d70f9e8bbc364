"""`benchy compare`: is one model better than another, worse, the same, or is there no telling?"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import combinations
from typing import TYPE_CHECKING

import click

from benchy.errors import ConfigError

if TYPE_CHECKING:
    from benchy.results.comparison import Compared
    from benchy.results.scored_run import ScoredRun

FORMATS = ("text", "json", "csv", "markdown", "latex", "html")


@click.command()
@click.argument("runs", nargs=-1, required=True)
@click.option("--margin", type=click.FloatRange(min=0, min_open=True), help="What counts as no difference: 0.01.")
@click.option("--force", is_flag=True, help="Compare the documents that both have, also if something else was asked.")
@click.option("--all-pairs", is_flag=True, help="Each with each, not only with the first.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
def compare(runs: tuple[str, ...], margin: float | None, force: bool, all_pairs: bool, form: str) -> None:
    """Compare runs with the first one, question by question.

    RUNS are folders, names of runs below outputs/, BOARD:MODEL, hf://datasets/ORG/NAME:MODEL, or folders of lm_eval.
    """
    from benchy.results.compare import compare as compare_two
    from benchy.runs.finding import found_run

    if len(runs) < 2:
        raise ConfigError("there is nothing to compare it with", hint="name two runs: benchy compare A B")
    with ExitStack() as stack:
        found = [stack.enter_context(found_run(text)) for text in runs]
        pairs = combinations(found, 2) if all_pairs else ((found[0], other) for other in found[1:])
        compared = [(one, other, compare_two(one, other, margin=margin, force=force)) for one, other in pairs]
        click.echo(_shown(compared, form))
    if not any(result.comparisons for _, _, result in compared):
        raise ConfigError("no benchmark can be compared", hint="--force compares the documents that both have")


def _shown(compared: list[tuple[ScoredRun, ScoredRun, Compared]], form: str) -> str:
    if form == "html":
        from benchy.display.comparison_page import as_html

        return as_html(compared)
    from benchy.display import comparison

    return comparison.FORMATS[form]([result for _, _, result in compared])
