"""Suite: many models on many benchmark configs, expanded into one config a cell."""

from __future__ import annotations

import difflib
import glob
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchy.config.benchmark import BenchmarkConfig
from benchy.config.loading import config_of, parse_config, read_settings, require_tasks_given
from benchy.config.overrides import with_overrides
from benchy.errors import ConfigError

OWN_KEYS = ("models", "benchmarks")
COMMON_KEYS = tuple(name for name in BenchmarkConfig.model_fields if name not in {"model", "evaluation"})
"""Sections that a suite may say for all of its cells."""
MOST_CELLS = 10_000


@dataclass(frozen=True)
class Cell:
    """One model on one benchmark config: one run."""

    model: str
    """As the suite's table calls it."""
    benchmark: str
    """As the suite's table calls it."""
    config: BenchmarkConfig


@dataclass(frozen=True)
class Suite:
    """What one file holds."""

    name: str
    cells: tuple[Cell, ...]
    """Model by model, in the order of the file."""

    def with_limit(self, limit: float | None) -> Suite:
        """Return it with only so many documents of each benchmark, as a test."""
        cells = (replace(cell, config=with_overrides(cell.config, limit=limit)) for cell in self.cells)
        return replace(self, cells=tuple(cells))


def is_suite(settings: object) -> bool:
    """Tell a suite's file from the config of one run."""
    return isinstance(settings, dict) and any(key in settings for key in OWN_KEYS)


def load_either(path: Path) -> BenchmarkConfig | Suite:
    """Read a file once, whichever of the two it is: it may be a pipe.

    Raises:
        ConfigError: it cannot be read, or is not valid.
    """
    settings, lines = read_settings(path)
    return suite_of(path, settings) if is_suite(settings) else config_of(path, settings, lines)


def suite_of(path: Path, settings: object) -> Suite:
    """Check what a suite's file holds, and read every config that it names.

    Raises:
        ConfigError: a file cannot be read, or a cell of it is no valid config; names the cell.
    """
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: expected the sections {' and '.join(OWN_KEYS)}")
    _refuse_unknown_keys(settings, path)
    common = {key: settings[key] for key in COMMON_KEYS if key in settings}
    models = _labelled(list(_models(settings.get("models"), path)), path, "models", "name")
    benchmarks = _labelled(list(_benchmarks(settings.get("benchmarks"), path)), path, "benchmarks", "label")
    if len(models) * len(benchmarks) > MOST_CELLS:
        raise ConfigError(f"{path}: {len(models) * len(benchmarks):,} cells, {MOST_CELLS:,} at most", hint="divide it")
    cells = (
        Cell(model, benchmark, _cell_config(f"{path}, {model} on {benchmark}", section, own | common))
        for model, section in models.items()
        for benchmark, own in benchmarks.items()
    )
    return Suite(path.stem, tuple(cells))


def _cell_config(source: str, model: Mapping[str, Any], settings: Mapping[str, Any]) -> BenchmarkConfig:
    data = {key: value for key, value in settings.items() if key != "label"} | {"model": dict(model)}
    return require_tasks_given(parse_config(data, source=source), source=source)


def _refuse_unknown_keys(settings: Mapping[Any, Any], path: Path) -> None:
    known = (*OWN_KEYS, *COMMON_KEYS)
    for key in settings:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            suggestion = f'did you mean "{near[0]}"?' if near else f"a suite has {', '.join(known)}"
            raise ConfigError(f'{path}: unknown key "{key}"', hint=suggestion)


def _models(said: object, path: Path) -> Iterator[dict[str, Any]]:
    """Yield a section ``model`` for each."""
    for entry in _entries(said, path, "models"):
        if isinstance(entry, dict):
            yield entry
        elif any(sign in entry for sign in "*?["):
            folders = sorted(name for name in glob.iglob(entry) if Path(name).is_dir())  # noqa: PTH207 - may be absolute
            if not folders:
                raise ConfigError(f'{path}: models: no folder matches "{entry}"', hint="paths begin where you are now")
            yield from ({"name": folder} for folder in folders)
        else:
            yield {"name": entry}


def _benchmarks(said: object, path: Path) -> Iterator[dict[str, Any]]:
    """Yield the sections of a config for each, but for its model; ``label`` is what the table calls it."""
    for entry in _entries(said, path, "benchmarks"):
        if isinstance(entry, dict):
            tasks = entry.get("tasks", "")
            yield {"evaluation": entry, "label": ",".join(map(str, tasks)) if isinstance(tasks, list) else str(tasks)}
            continue
        settings, _ = read_settings(Path(entry))
        if not isinstance(settings, dict) or is_suite(settings):
            raise ConfigError(f"{path}: benchmarks: {entry} is no config of a run", hint="name a file like demo.yaml")
        yield {key: value for key, value in settings.items() if key != "model"} | {"label": Path(entry).stem}


def _entries(said: object, path: Path, key: str) -> list[str | dict[str, Any]]:
    entries: list[Any] = said if isinstance(said, list) else [said]
    if not entries or not all(entry and isinstance(entry, dict | str) for entry in entries):
        raise ConfigError(
            f"{path}: {key} is {said!r}; expected a list of names or sections", hint=f"{key}: [NAME, ...]"
        )
    return entries


def _labelled(entries: list[dict[str, Any]], path: Path, key: str, name: str) -> dict[str, dict[str, Any]]:
    """Return the entries by a label each: its name, with what else it says where others have the same name."""
    counts = Counter(str(entry.get(name)) for entry in entries)
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        label = str(entry.get(name))
        if counts[label] > 1:
            rest = {k: v for k, v in entry.get("evaluation", entry).items() if k not in {name, "tasks"}}
            label += f" ({', '.join(f'{k}={v}' for k, v in sorted(rest.items()))})" if rest else ""
        if label in found:
            raise ConfigError(f'{path}: {key}: "{label}" stands there twice', hint="keep one")
        found[label] = entry
    return found
