"""Writes docs/layout.md: every folder and file of the code, with the first line of its docstring."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAYOUT = ROOT / "docs" / "layout.md"
PACKAGES = ("benchy", "flows", "tasks")
HEAD = """\
# The layout

Made by `make layout` from the first line of every module. Imports run one way: flows -> tasks -> benchy, and inside of
`benchy` from each floor only to those below it (`pyproject.toml` lists them, `make check` holds them).
"""


def layout() -> str:
    """Return the whole page."""
    lines = (line for package in PACKAGES for line in _folder(ROOT / package))
    return "\n".join([HEAD, *lines, ""])


def _folder(folder: Path) -> Iterator[str]:
    name = folder.relative_to(ROOT)
    yield f"- **{name}/** {_first_line(folder / '__init__.py')}"
    for file in sorted(folder.glob("*.py")):
        if file.name != "__init__.py":
            yield f"  - `{file.name}` {_first_line(file)}"
    for below in sorted(path.parent for path in folder.glob("*/__init__.py")):
        yield from _folder(below)


def _first_line(file: Path) -> str:
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n\n")[0].replace("\n", " ").replace("``", "`")


if __name__ == "__main__":
    LAYOUT.write_text(layout(), encoding="utf-8")
