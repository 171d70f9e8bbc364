"""Reads what a run scored from lm-eval's own files: a run of Benchy's, a published one, or a plain `lm_eval run`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchy.errors import ConfigError
from benchy.record import RECORD_FILE, BenchmarkResult, RunRecord, read_record, why_unreadable
from benchy.results.conditions import PREFERRED_METRIC
from benchy.results.damage import damage_named
from benchy.results.samples import read_samples
from benchy.results.score_tables import read_scores
from benchy.results.scores import Scores, make_scores

NOT_ASKED = {
    "task", "task_alias", "alias", "tag", "group", "dataset_path", "dataset_name", "dataset_kwargs", "metadata",
    "unsafe_code", "should_decontaminate", "doc_to_decontamination_query", "num_fewshot",
}  # fmt: skip
"""Keys of a task's config that change no question, or whose effect is proven by the documents' hashes."""


@dataclass(frozen=True)
class ScoredBenchmark:
    """What is known of one benchmark of a run."""

    name: str
    values: Mapping[str, float]
    """Its scores, by ``metric,filter`` as lm-eval's results have it."""
    higher_is_better: Mapping[str, bool]
    """By metric, where lm-eval says so."""
    version: str
    num_fewshot: int | None
    documents: int
    """How many were evaluated."""
    documents_in_all: int
    """How many the benchmark has."""
    settings: Mapping[str, Any]
    """What the benchmark's YAML and the config set that changes what is asked."""
    files: tuple[Path, ...]
    """Where its documents' scores are, the best first: a table, or lm-eval's samples."""
    cut: int | None
    """Answers that were cut at the limit of generated tokens; None where nobody counted."""

    @property
    def headline(self) -> str:
        """The ``metric,filter`` that is compared: ``acc_norm`` where there is one, else the first of lm-eval's."""
        return headline_of(self.values)

    @cached_property
    def scores(self) -> Scores:
        """Each document's scores.

        Raises:
            ConfigError: no file has them, or it cannot be read.
        """
        for path in self.files:
            if path.is_file():
                return _read_scores(path)
        raise ConfigError(
            f"{self.name}: no scores of single documents are kept",
            hint="run it with evaluation.log_samples (`lm_eval run --log_samples`)",
        )


@dataclass(frozen=True)
class Group:
    """A group of benchmarks and its score."""

    name: str
    members: tuple[str, ...]
    """Its benchmarks, at any depth."""
    values: Mapping[str, float]
    """By ``metric,filter``."""


@dataclass(frozen=True)
class ScoredRun:
    """What a run scored."""

    label: str
    """The model's."""
    benchmarks: Mapping[str, ScoredBenchmark]
    groups: tuple[Group, ...]
    prompted: Mapping[str, Any]
    """How the model was prompted: its own part of a prompt."""
    is_test: bool
    """Only a part of the benchmarks was evaluated."""

    def members_of(self, name: str) -> tuple[str, ...]:
        """Return the benchmarks of a group; of a benchmark itself alone."""
        return next((group.members for group in self.groups if group.name == name), (name,))

    def cut_in(self, name: str) -> int | None:
        """Return how many answers of a benchmark, or of a group's, were cut; None where nobody counted."""
        parts = [self.benchmarks[member] for member in self.members_of(name) if member in self.benchmarks]
        counts = [part.cut for part in parts if part.cut is not None]
        return sum(counts) if counts else None


def is_run(folder: Path) -> bool:
    """Whether a folder holds lm-eval's results."""
    return _results_file(folder) is not None


def read_run(folder: Path) -> ScoredRun:
    """Read a run's folder.

    Raises:
        ConfigError: it holds no results of lm-eval, or they cannot be read.
    """
    path = _results_file(folder)
    if path is None:
        raise ConfigError(f"{folder} holds no results of lm-eval", hint="name a run's folder, or lm_eval's output_path")
    record = _record_of(path.parent)
    with damage_named(ConfigError, f"{path} is no file of lm-eval's results"):
        results = json.loads(path.read_text("utf-8"))
        benchmarks = {part.name: part for part in _benchmarks(results, path, record)}
        groups = tuple(_groups(results))
    return ScoredRun(
        label=record.model_label if record else str(results.get("model_name") or path.parent.name),
        benchmarks=benchmarks,
        groups=groups,
        prompted={name: results.get(name) for name in ("chat_template", "fewshot_as_multiturn")},
        is_test=any(part.documents < part.documents_in_all for part in benchmarks.values())
        or (record is not None and record.is_test),
    )


def merge_runs(label: str, runs: list[ScoredRun]) -> ScoredRun:
    """Return what several runs of one model scored; of a benchmark that several have, the last one's."""
    benchmarks = {name: part for run in runs for name, part in run.benchmarks.items()}
    groups = {group.name: group for run in runs for group in run.groups}
    return replace(runs[-1], label=label, benchmarks=benchmarks, groups=tuple(groups.values()))


def _results_file(folder: Path) -> Path | None:
    """Return the newest; lm-eval puts it into a folder that it names after the model."""
    found = [*folder.glob("results_*.json"), *folder.glob("*/results_*.json")] if folder.is_dir() else []
    return max(found, key=lambda path: path.name, default=None)


def _record_of(folder: Path) -> RunRecord | None:
    """Return a run's own record; None for a folder of plain lm-eval."""
    if not (folder / RECORD_FILE).exists():
        return None
    try:
        return read_record(folder)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{folder} holds no readable record: {why_unreadable(error)}", hint="name a run's folder"
        ) from error


def _benchmarks(results: Mapping[str, Any], path: Path, record: RunRecord | None) -> Iterator[ScoredBenchmark]:
    known = {part.name: part for part in record.evaluation.benchmarks} if record and record.evaluation else {}
    for name, settings in results["configs"].items():
        values = _values(results["results"].get(name, {}))
        if not values:
            continue
        counts = results["n-samples"].get(name, {})
        yield ScoredBenchmark(
            name=name,
            values=values,
            higher_is_better=_known(results["higher_is_better"].get(name, {})),
            version=str(results["versions"].get(name)),
            num_fewshot=results["n-shot"].get(name),
            documents=int(counts.get("effective", 0)),
            documents_in_all=int(counts.get("original", 0)),
            settings=_settings(settings, results),
            files=tuple(_score_files(name, path, known.get(name))),
            cut=known[name].flaws.cut if name in known else None,
        )


def _values(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores of a row of lm-eval's results, by ``metric,filter``."""
    return {
        key: float(value)
        for key, value in row.items()
        if "," in key and "_stderr," not in key and isinstance(value, int | float)
    }


def _known(higher_is_better: Mapping[str, Any]) -> dict[str, bool]:
    return {metric: bool(higher) for metric, higher in higher_is_better.items() if higher is not None}


def headline_of(values: Mapping[str, float]) -> str:
    """Return the ``metric,filter`` that stands for all."""
    return next((key for key in values if key.partition(",")[0] == PREFERRED_METRIC), next(iter(values)))


def _settings(task: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked beside the documents.

    The task's own settings, the system message, the arguments of generation.
    """
    own = {name: value for name, value in task.items() if name not in NOT_ASKED}
    run = results.get("config", {})
    if task.get("num_fewshot"):
        own["fewshot_seed"] = run.get("fewshot_seed")
    else:
        own.pop("fewshot_config", None)
    return own | {"system_instruction": results.get("system_instruction"), "lm_eval": results.get("lm_eval_version")}


def _score_files(name: str, path: Path, known: BenchmarkResult | None) -> Iterator[Path]:
    """Yield the table of scores that the record names, else lm-eval's samples of the same moment."""
    if known is not None and known.scores_file:
        yield path.parent / Path(known.scores_file).name
    if known is not None and known.samples_file:
        yield path.parent / Path(known.samples_file).name
    yield path.parent / f"samples_{name}_{path.stem.removeprefix('results_')}.jsonl"


def _read_scores(path: Path) -> Scores:
    with damage_named(ConfigError, f"{path} holds no scores of documents"):
        return read_scores(path) if path.suffix == ".parquet" else make_scores(read_samples(path))


def _groups(results: Mapping[str, Any]) -> Iterator[Group]:
    subtasks: Mapping[str, list[str]] = results.get("group_subtasks", {})
    for name in subtasks:
        row = results.get("groups", {}).get(name) or results["results"].get(name, {})
        values = _values(row)
        if values:
            yield Group(name, tuple(_leaves(name, subtasks, ())), values)


def _leaves(name: str, subtasks: Mapping[str, list[str]], above: tuple[str, ...]) -> Iterator[str]:
    for member in subtasks.get(name, ()):
        if member in subtasks and member not in above:
            yield from _leaves(member, subtasks, (*above, name))
        else:
            yield member
