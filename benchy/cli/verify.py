"""`benchy verify`: is what is published what was measured?"""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("where")
@click.option("--key", type=click.Path(path_type=Path), help="The public key (PEM) with which each run must be signed.")
def verify(where: str, key: Path | None) -> None:
    """Recompute the scores of a run, or of all runs of a leaderboard, and compare every hash.

    WHERE is a run's folder, a leaderboard's folder or hf://datasets/ORG/NAME.
    """
    from benchy.errors import NotVerified
    from benchy.plain_text import plain_line
    from benchy.runs.verifying import read_public_key, verify

    log: list[str] = []
    wrong = 0
    for verdict in verify(where, public_key=read_public_key(key), say=log.extend):
        wrong += bool(verdict.differences)
        click.echo(
            f"{'❌' if verdict.differences else '✅'} {plain_line(verdict.name)}: {verdict.scores} scores recomputed"
        )
        for line in (*verdict.differences, *(f"not recomputed: {what}" for what in verdict.left_out)):
            click.echo(f"   {plain_line(line)}")
    if wrong:
        raise NotVerified(f"{wrong} of what is in {where} is not as it was published")
