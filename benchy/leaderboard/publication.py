"""What is published of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from benchy.config import BenchmarkConfig
from benchy.errors import UploadFailed
from benchy.leaderboard.exports.every_eval_ever import to_every_eval_ever
from benchy.record import RECORD_FILE, EvaluationResult, RunRecord
from benchy.results.finished import read_finished, require_file, require_plain_name


@dataclass(frozen=True)
class Publication:
    """A finished run, ready for any leaderboard."""

    record: RunRecord
    """As published."""
    files: Mapping[str, bytes | Path]
    """What its folder in the store holds, by name: content, or where it is."""
    aside: Path
    """The folder for what is made of it on the way."""


def read_publication(folder: Path, aside: Path, *, samples: bool = True) -> Publication:
    """What is published of a run.

    Args:
        folder: the run's.
        aside: the folder in which forms are made that may be larger than memory; needed until all is published.
        samples: whether each document's answer is published.

    Raises:
        UploadFailed: the run has no scores, or a file of it is missing or damaged.
    """
    record = read_finished(folder)
    require_plain_name(record.run_name, folder)
    published = as_published(record, samples=samples)
    assert published.evaluation is not None  # noqa: S101 - as the record's
    results = require_file(folder, published.evaluation.results_file)
    answers = {
        part.name: require_file(folder, part.samples_file)
        for part in published.evaluation.benchmarks
        if part.samples_file
    }
    files: dict[str, bytes | Path] = {path.name: path for path in (results, *answers.values())}
    files |= to_every_eval_ever(published, _read_json(results), answers, aside)
    files[RECORD_FILE] = (published.model_dump_json(indent=2) + "\n").encode()
    return Publication(published, files, aside)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError as error:
        raise UploadFailed(f"lm-eval's own file {path} is damaged: {error}", hint="run the evaluation again") from error
    return found


def as_published(record: RunRecord, *, samples: bool = True) -> RunRecord:
    """The record as everybody may see it, and the same whenever it is uploaded.

    An absolute path says nothing to others and may hold a person's name: its last part stands for it. What happened
    to the run after its evaluation (a first upload that failed) is not part of it.
    """
    model = record.model and record.model.model_copy(update={"name": _last_part(record.model.name)})
    changes: dict[str, object] = {"status": "published", "error": None, "uploaded": None, "wandb": None, "model": model}
    changes |= {"log_file": _last_part(record.log_file), "config": _without_paths(record.config)}
    if record.evaluation and not samples:
        changes["evaluation"] = _without_samples(record.evaluation)
    return record.model_copy(update={**changes, "seconds": record.seconds.model_copy(update={"upload": None})})


def _without_samples(evaluation: EvaluationResult) -> EvaluationResult:
    """It names no file that is not published."""
    benchmarks = tuple(part.model_copy(update={"samples_file": None}) for part in evaluation.benchmarks)
    return evaluation.model_copy(update={"benchmarks": benchmarks})


def _without_paths(config: BenchmarkConfig) -> BenchmarkConfig:
    model, evaluation, upload = config.model, config.evaluation, config.upload
    arguments = {name: _last_part(value) for name, value in model.args.items()}
    paths = {
        "tasks": tuple(map(_last_part, evaluation.tasks)),
        "include_path": tuple(map(_last_part, evaluation.include_path)),
        "output_path": _last_part(evaluation.output_path),
    }
    return config.model_copy(
        update={
            "model": model.model_copy(update={"name": _last_part(model.name), "args": arguments}),
            "evaluation": evaluation.model_copy(update=paths),
            "logging": config.logging.model_copy(update={"log_dir": _last_part(config.logging.log_dir)}),
            "upload": upload and upload.model_copy(update={"to": _last_part(upload.to)}),
        }
    )


def _last_part(value: Any) -> Any:
    """An absolute path's last part; anything else as it is."""
    is_path = isinstance(value, str) and (PurePath(value).is_absolute() or value.startswith("~"))
    return PurePath(value).name if is_path else value
