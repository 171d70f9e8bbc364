"""Finds what is wrong with a benchmark's YAML before anything is fetched: lm-eval says it only while it runs."""

from __future__ import annotations

import ast
import difflib
import functools
import importlib.util
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, TemplateSyntaxError

from benchy.benchmarks.files import BUILDERS

TASK_KEYS = frozenset({
    "class", "custom_dataset", "dataset_kwargs", "dataset_name", "dataset_path", "description", "doc_to_audio",
    "doc_to_choice", "doc_to_decontamination_query", "doc_to_image", "doc_to_target", "doc_to_text", "fewshot_config",
    "fewshot_delimiter", "fewshot_split", "filter_list", "gen_prefix", "generation_kwargs", "group", "include",
    "metadata", "metric_list", "num_fewshot", "output_type", "process_docs", "process_results", "repeats",
    "should_decontaminate", "tag", "target_delimiter", "task", "task_alias", "task_list", "test_split",
    "training_split", "unsafe_code", "use_prompt", "validation_split",
})  # fmt: skip
"""What lm-eval 0.4.13 understands of a task's YAML (lm_eval/config/task.py); a test compares them."""
OUTPUT_TYPES = ("loglikelihood", "multiple_choice", "loglikelihood_rolling", "generate_until")
TEMPLATES = ("description", "doc_to_text", "doc_to_target", "doc_to_choice", "gen_prefix")
"""Keys whose texts are Jinja templates."""
TEXTS = ("dataset_path", "training_split", "validation_split", "test_split", "fewshot_split")
"""Keys that hold one text, if any."""
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
OF_EXTRA = "pip install 'benchy[tasks]' brings what lm-eval's own benchmarks need"


def mistakes_in(task: Mapping[str, Any], path: str) -> Iterator[str]:
    """Say what lm-eval will stumble over, one sentence each.

    Args:
        task: the YAML with what it includes; functions are read as nothing.
        path: of the YAML.
    """
    if "class" in task:  # code of its own reads the rest
        return
    where = f'{path}: benchmark "{task.get("task")}"'
    for key in sorted(map(str, task.keys() - TASK_KEYS)):
        near = difflib.get_close_matches(key, TASK_KEYS, n=1)
        yield f'{where}: unknown key "{key}"' + (f'; did you mean "{near[0]}"?' if near else "")
    said = task.get("output_type", OUTPUT_TYPES[-1])
    if isinstance(said, str) and said not in OUTPUT_TYPES:
        near = difflib.get_close_matches(said, OUTPUT_TYPES, n=1)
        yield f'{where}: output_type "{said}" is none of {", ".join(OUTPUT_TYPES)}' + (
            f"; did you mean {near[0]}?" if near else ""
        )
    wrong = (key for key in TEXTS if not isinstance(task.get(key), str | None))
    yield from (f"{where}: {key} is no text: {task[key]!r}" for key in wrong)
    yield from (f"{where}: {mistake}" for mistake in _wrong_templates(task))
    yield from (f"{where}: {mistake}" for mistake in _missing_files(task))


def _wrong_templates(task: Mapping[str, Any]) -> Iterator[str]:
    for key in TEMPLATES:
        text = task.get(key)
        if isinstance(text, str):
            try:
                Environment().parse(text)  # noqa: S701 - nothing is rendered
            except TemplateSyntaxError as error:
                yield f"{key}, line {error.lineno}, is no Jinja template: {error.message}"


def _missing_files(task: Mapping[str, Any]) -> Iterator[str]:
    path, settings = task.get("dataset_path"), task.get("dataset_kwargs")
    if not isinstance(path, str) or path not in BUILDERS or not isinstance(settings, Mapping):
        return
    for name in _texts(settings.get("data_files")):
        if "://" not in name and not any(sign in name for sign in "*?[") and not Path(name).exists():
            yield f"its data file {name} is not there; paths are relative to {Path.cwd()}"


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, lists and sections."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def missing_packages(path: str) -> list[str]:
    """Return the modules that a benchmark's code imports, and that are not installed here."""
    return sorted(name for name in required_packages(path) if not _is_installed(name))


def required_packages(path: str) -> set[str]:
    """Return the modules outside the standard library that the code beside a benchmark's YAML imports.

    Only what its functions name is followed: ``!function utils.clean`` means ``utils.py``, and what that imports of
    lm-eval's own task library. An import that the code itself guards (``try``) is none that it needs.
    """
    waiting = list(_function_files(Path(path), set()))
    seen: set[Path] = set()
    found: set[str] = set()
    while waiting:
        code = waiting.pop()
        if code in seen or not code.is_file():
            continue
        seen.add(code)
        for name in _imports(code):
            own = _own_files(name, code.parent)
            waiting += own
            if not own:
                found.add(name.partition(".")[0])
    return found - sys.stdlib_module_names - {""}


def _function_files(path: Path, seen: set[Path]) -> Iterator[Path]:
    """The files with the functions of a YAML and of those that it includes; each beside the YAML that names it."""
    if path in seen or not path.is_file():
        return
    seen.add(path)
    for line in path.read_text("utf-8", errors="replace").splitlines():
        _, function, name = line.partition("!function ")
        if function:
            yield path.parent / f"{name.strip().rpartition('.')[0].replace('.', '/')}.py"
        elif line.startswith("include:"):
            yield from _function_files(path.parent / line.partition(":")[2].strip().strip("'\""), seen)


@functools.cache
def _imports(code: Path) -> frozenset[str]:
    """What is imported, at the top or in functions, but in ``try``; ``a.b`` also for ``from a import b``."""
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
    """The files of a module that lies beside the code, or in lm-eval's task library; it and what it is a part of."""
    parts = name.lstrip(".").split(".")
    library = _task_library()
    if parts[:2] == ["lm_eval", "tasks"] and library is not None:
        folder, parts = library, parts[2:]
    places = [folder.joinpath(*parts[:count]) for count in range(1, len(parts) + 1)]
    return [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]


@functools.cache
def _task_library() -> Path | None:
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
