"""Fetches the metrics that a benchmark's code loads while it scores, when the network is gone."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchy.benchmarks.packages import code_files

logger = logging.getLogger(__name__)


def fetch_metrics(benchmarks: Iterable[str]) -> None:
    """Load each metric of the package `evaluate` once, so that it is in the cache.

    One that cannot be loaded is told in the log and no error: not all that a file loads is used.

    Args:
        benchmarks: the YAML files.
    """
    for metric in sorted({metric for path in benchmarks for file in code_files(path) for metric in metrics_in(file)}):
        try:
            import evaluate

            evaluate.load(*metric)
        except Exception as error:  # noqa: BLE001 - whatever a metric's own code raises
            said = " ".join(str(error).split())[:300]
            logger.warning('The metric "%s" cannot be loaded before the scoring: %s', metric[0], said)


def metrics_in(code: Path) -> Iterator[tuple[str, ...]]:
    """Yield the names (and configurations) with which a file calls ``evaluate.load``."""
    try:
        tree = ast.parse(code.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    modules, functions = set(_imported(tree, "evaluate")), set(_imported(tree, "evaluate.load"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_load(node.func, modules, functions):
            values = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            names = tuple(value for value in values if isinstance(value, str))
            if names:
                yield names


def _imported(tree: ast.AST, what: str) -> Iterator[str]:
    """Yield the names that a module or function has in this code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            of = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            yield from (alias.asname or alias.name for alias in node.names if of + alias.name == what)


def _is_load(called: ast.expr, modules: set[str], functions: set[str]) -> bool:
    if isinstance(called, ast.Attribute):
        return called.attr == "load" and isinstance(called.value, ast.Name) and called.value.id in modules
    return isinstance(called, ast.Name) and called.id in functions
