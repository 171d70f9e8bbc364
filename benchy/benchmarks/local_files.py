"""Which files of this machine a benchmark reads: its YAML with those that it includes, and its data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchy.benchmarks.files import BUILDERS, load_task
from benchy.benchmarks.index import AnyTagLoader
from benchy.bounded_yaml import read_yaml


def local_files(path: str) -> Iterator[Path]:
    """Yield them by their absolute paths; a pattern stands for the folder in which it begins.

    Args:
        path: the benchmark's YAML.
    """
    yield from _with_included(Path(path).absolute(), set())
    task = load_task(path)
    options = task.get("dataset_kwargs")
    named = options if isinstance(options, Mapping) else {}
    data = task.get("dataset_path")
    own = [] if not isinstance(data, str) or data in BUILDERS else [data]
    for name in [*own, *texts_in(named.get("data_dir")), *texts_in(named.get("data_files"))]:
        if "://" not in name and (place := _before_pattern(name)).exists():
            yield place


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in a value, lists and sections among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from texts_in(item)


def _with_included(path: Path, seen: set[Path]) -> Iterator[Path]:
    if path in seen or not path.is_file():
        return
    seen.add(path)
    yield path
    own = read_yaml(path.read_bytes(), AnyTagLoader)
    for name in texts_in(own.get("include") if isinstance(own, Mapping) else None):
        yield from _with_included(Path(os.path.realpath(path.parent / name)), seen)


def _before_pattern(name: str) -> Path:
    path = Path(name).absolute()
    while any(sign in str(path) for sign in "*?["):
        path = path.parent
    return path
