"""The house stays as small as a reader can hold: short files, short functions, a test file beside each module."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.commands import REPOSITORY

LONGEST_FILE = 300
FUNCTION_MEDIAN, FUNCTION_P90 = 7, 20
"""Lines of a function's body, its docstring left out."""
SAME_NAME_SHARE = 0.85
"""Of modules that have a test file of their own."""
TEST_TO_CODE = 1
"""Lines of tests by lines of code."""


def modules(folder: str) -> list[Path]:
    """Return the Python files below a folder of the repository."""
    return sorted((REPOSITORY / folder).rglob("*.py"))


def lines_of(path: Path) -> int:
    """Count a file's lines."""
    return len(path.read_text("utf-8").splitlines())


def body_lengths(path: Path) -> Iterator[int]:
    """Yield the lines of each function's body."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_file_is_long() -> None:
    long = {str(path.relative_to(REPOSITORY)): lines_of(path) for path in modules("benchy")}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    lengths = sorted(length for path in modules("benchy") for length in body_lengths(path))
    assert statistics.median(lengths) <= FUNCTION_MEDIAN
    assert lengths[int(len(lengths) * 0.9)] <= FUNCTION_P90


def test_tests_keep_up_with_the_code() -> None:
    code, tests = (sum(map(lines_of, modules(folder))) for folder in ("benchy", "tests"))
    assert tests / code >= TEST_TO_CODE


def test_modules_have_a_test_file_of_their_own() -> None:
    own = [path for path in modules("benchy") if path.name not in {"__init__.py", "__main__.py"}]
    below = [path.relative_to(REPOSITORY / "benchy") for path in own]
    tested = [path for path in below if (REPOSITORY / "tests" / path.with_name(f"test_{path.name}")).exists()]
    assert len(tested) / len(below) >= SAME_NAME_SHARE
