"""`benchy power`: how many questions show a difference?"""

from __future__ import annotations

from contextlib import ExitStack

import click

from benchy.errors import ConfigError


@click.command()
@click.argument("runs", nargs=-1)
@click.option("--difference", type=click.FloatRange(0, 1, min_open=True), required=True, help="Of two scores: 0.02.")
@click.option("--discordance", type=click.FloatRange(0, 1, min_open=True), help="Share of documents that flip: 0.1.")
@click.option("--power", "wanted", type=click.FloatRange(0.5, 1, max_open=True), default=0.8, show_default=True)
def power(runs: tuple[str, ...], difference: float, discordance: float | None, wanted: float) -> None:
    """Say how many questions show a difference, before GPU time is spent.

    RUNS are two former runs, of whose documents the flips are counted; or none, with --discordance.
    """
    if discordance is not None and difference > discordance:
        raise ConfigError(
            f"scores cannot differ by {difference:g} where {discordance:g} of the documents flip",
            hint="give a smaller --difference, or a larger --discordance",
        )
    if (discordance is None) == (not runs) or len(runs) not in {0, 2}:
        raise ConfigError("how often documents flip is not known", hint="name two former runs, or give --discordance")
    if discordance is not None:
        click.echo(_sentence("a benchmark", discordance, difference, wanted))
        return
    from benchy.results.compare import compare
    from benchy.runs.finding import found_run

    with ExitStack() as stack:
        first, second = (stack.enter_context(found_run(text)) for text in runs)
        compared = compare(first, second)
    for one in compared.comparisons:
        flipped = (len(one.won) + len(one.lost)) / one.documents
        if one.test.startswith("McNemar") and flipped >= difference:
            click.echo(f"{_sentence(one.name, flipped, difference, wanted)}, {one.documents:,} are there")
        else:
            click.echo(_of_variance(one.name, one.documents * one.difference.stderr**2, difference, wanted))
    if not compared.comparisons:
        raise ConfigError("no benchmark of these runs can be compared", hint="`benchy compare` says why")


def _sentence(name: str, discordance: float, difference: float, wanted: float) -> str:
    from benchy.plain_text import plain_line
    from benchy.results.paired_tests import needed_for_mcnemar

    needed = needed_for_mcnemar(discordance, difference, power=wanted)
    many = f"{needed:,}" if needed else "no number of"
    return (
        f"{plain_line(name)}: {many} questions show a difference of {difference:g} in {wanted:.0%} of comparisons"
        f" ({discordance:.1%} flip)"
    )


def _of_variance(name: str, variance: float, difference: float, wanted: float) -> str:
    from benchy.plain_text import plain_line
    from benchy.results.paired_tests import needed_documents

    needed = needed_documents(variance, difference, power=wanted)
    many = f"{needed:,}" if needed else "no number of"
    return f"{plain_line(name)}: {many} questions show a difference of {difference:g} in {wanted:.0%} of comparisons"
