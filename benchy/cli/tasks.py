"""`benchy tasks`: which benchmarks are there?"""

from __future__ import annotations

import click


@click.command()
@click.argument("word", default="")
@click.option("--include-path", multiple=True, help="A folder with task files of your own; may be given several times.")
@click.option("--kind", type=click.Choice(["task", "group", "tag"]), help="Only those.")
def tasks(word: str, include_path: tuple[str, ...], kind: str | None) -> None:
    """List lm-eval's benchmarks, groups and tags, and those of your own, whose names hold a word."""
    from benchy.benchmarks.index import index_tasks
    from benchy.errors import ConfigError, TaskNotFound
    from benchy.plain_text import plain_line

    index = index_tasks(include_path)
    if index is None:
        raise ConfigError("lm-eval is not installed here", hint="pip install lm-eval")
    found = [
        (entry.kind, name)
        for name, entry in sorted(index.items())
        if word.lower() in name.lower() and kind in {None, entry.kind}
    ]
    if not found:
        raise TaskNotFound(f'no benchmark whose name holds "{word}"', hint="give a shorter word")
    for what, name in found:
        click.echo(f"{what:<6}{plain_line(name)}")
