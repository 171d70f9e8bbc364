"""Which packages a benchmark's code imports, and which of them are not installed."""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchy.benchmarks.files import load_task, with_included
from benchy.errors import ConfigError

PACKAGES = {
    "antlr4": "antlr4-python3-runtime==4.11",
    "math_verify": "math-verify[antlr4_11_0]",
    "sklearn": "scikit-learn",
    "nemo_text_processing": "nemo-text-processing",
    "absl": "absl-py",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "spacy": "spacy",
}
"""How pip calls a module, where it calls it otherwise."""
OF_EXTRA = "pip install 'benchy[tasks]' brings what lm-eval's own need, as does --build-arg EXTRAS=tasks for the image"
MOST_NAMED = 10
FUNCTION = re.compile(r"!function\s+[\"']?([\w./-]+)")
"""As `!function utils.clean` in a YAML."""


def require_packages(benchmarks: Iterable[str]) -> None:
    """Check that all is installed here which the code of benchmarks imports.

    Args:
        benchmarks: their YAML files.

    Raises:
        ConfigError: a package is missing.
    """
    missing = {path: modules for path in benchmarks if (modules := missing_packages(path))}
    if missing:
        modules = sorted({pip_name(module) for found in missing.values() for module in found})
        names = [str(load_task(path).get("task")) for path in missing]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        raise ConfigError(
            f"{', '.join(names[:MOST_NAMED])}{more} needs packages that are not installed: {', '.join(modules)}",
            hint=f"pip install {' '.join(modules)}; {OF_EXTRA}",
        )


def missing_packages(path: str) -> list[str]:
    """Return the modules that a benchmark's code imports, and that are not installed here."""
    return sorted(name for name in required_packages(path) if not _is_installed(name))


def required_packages(path: str) -> set[str]:
    """Return the modules outside the standard library that the code beside a benchmark's YAML imports.

    Only what its functions name is followed: ``!function utils.clean`` means ``utils.py``, and what that imports of
    lm-eval's own task library. An import that the code itself guards (``try``) is none that it needs.
    """
    found = {
        name.partition(".")[0]
        for code in code_files(path)
        for name in _imports(code)
        if not _own_files(name, code.parent)
    }
    return found - sys.stdlib_module_names - {""}


def code_files(path: str) -> Iterator[Path]:
    """Yield the files with a benchmark's own code, and what they import of it and of lm-eval's task library."""
    waiting = list(_function_files(path))
    seen: set[Path] = set()
    while waiting:
        code = waiting.pop()
        if code not in seen and code.is_file():
            seen.add(code)
            yield code
            waiting += [file for name in _imports(code) for file in _own_files(name, code.parent)]


def _function_files(path: str) -> Iterator[Path]:
    """Yield the files with the functions of a YAML and of those that it includes, each beside who names it."""
    for file in map(Path, with_included(path)):
        for name in FUNCTION.findall(file.read_text("utf-8", errors="replace")):
            yield file.parent / f"{name.rpartition('.')[0].replace('.', '/')}.py"


@functools.cache
def _imports(code: Path) -> frozenset[str]:
    """Return what is imported, at the top or in functions, but in ``try``; ``a.b`` also for ``from a import b``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an odd escape in somebody's code
            tree = ast.parse(code.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return frozenset()
    tries = (node for node in ast.walk(tree) if isinstance(node, ast.Try) and not _raises(node))
    guarded = {id(inner) for node in tries for inner in ast.walk(node)}
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def _raises(node: ast.Try) -> bool:
    """Whether a handler only says better what is missing."""
    return any(isinstance(inner, ast.Raise) for handler in node.handlers for inner in ast.walk(handler))


def _own_files(name: str, folder: Path) -> list[Path]:
    """Return the files of a module that lies beside the code, or in lm-eval's task library.

    It and what it is a part of.
    """
    parts = name.lstrip(".").split(".")
    library = task_library()
    if parts[:2] == ["lm_eval", "tasks"] and library is not None:
        folder, parts = library, parts[2:]
    places = [folder.joinpath(*parts[:count]) for count in range(1, len(parts) + 1)]
    return [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]


@functools.cache
def task_library() -> Path | None:
    """Return the folder of lm-eval's own benchmarks; None where lm-eval is not installed."""
    found = importlib.util.find_spec("lm_eval")
    return Path(found.origin).parent / "tasks" if found and found.origin else None


@functools.cache
def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def pip_name(module: str) -> str:
    """Return how pip calls the package that brings a module."""
    return PACKAGES.get(module, module)
