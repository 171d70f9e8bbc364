"""Which files of this machine a benchmark reads: its YAML with those that it includes, and its data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchy.benchmarks.files import BUILDERS, load_task, with_included


def local_files(path: str) -> Iterator[Path]:
    """Yield them by their absolute paths; a pattern stands for the folder in which it begins.

    Args:
        path: the benchmark's YAML.
    """
    yield from (Path(file).absolute() for file in with_included(path))
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


def _before_pattern(name: str) -> Path:
    path = Path(name).absolute()
    while any(sign in str(path) for sign in "*?["):
        path = path.parent
    return path
