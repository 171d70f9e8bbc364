"""Shows texts of others in Prefect's artifacts as they are: its page renders descriptions and cells as Markdown."""

from __future__ import annotations

import re

from benchy.display.tables import Row

_MARKUP = re.compile(
    r"[\\`*\[\]<>|~#!&]"  # inline, and HTML
    r"|(?<!\w)_|_(?!\w)"  # emphasis; not in the middle of a name
    r"|:(?=//)|(?<=www)\."  # addresses that become links
    r"|^[ \t]*(?:[-+=](?=\s|[-+=]|$)|\d+[.)](?=\s))",  # lists, rules and headings
    re.MULTILINE,
)


def as_plain_markdown(text: str) -> str:
    """Return Markdown that is shown as this text, whatever a model wrote into it."""
    return _MARKUP.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", text)


def as_plain_rows(rows: list[Row]) -> list[Row]:
    """Return the rows of a table, each cell likewise."""
    return [{column: as_plain_markdown(cell) for column, cell in row.items()} for row in rows]
