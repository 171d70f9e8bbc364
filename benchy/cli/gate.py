"""`benchy gate`: may a candidate take the place of a model?"""

from __future__ import annotations

from pathlib import Path

import click

from benchy.errors import ConfigError


@click.command()
@click.argument("base")
@click.argument("candidate")
@click.option("--policy", "path", type=click.Path(path_type=Path), required=True, help="What may be lost: a YAML file.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write a JUnit report, for a CI system.")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
def gate(base: str, candidate: str, path: Path, junit: Path | None, form: str) -> None:
    """Decide whether CANDIDATE loses no more against BASE than a policy allows.

    Exit code 0 is GO, 20 NO-GO, 21 INCONCLUSIVE. BASE and CANDIDATE are named as for `benchy compare`.
    """
    from benchy.display.gate import FORMATS, as_junit
    from benchy.results.compare import compare
    from benchy.results.gate import EXIT_CODES, judge
    from benchy.runs.finding import found_run
    from benchy.runs.policies import load_policy

    policy = load_policy(path)
    with found_run(base) as one, found_run(candidate) as other:
        decided = judge(compare(one, other), one, other, policy)
    click.echo(FORMATS[form](decided))
    if junit is not None:
        try:
            junit.write_text(as_junit(decided), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{junit} cannot be written: {error.strerror}", hint="name another file") from error
    raise click.exceptions.Exit(EXIT_CODES[decided.decision])
