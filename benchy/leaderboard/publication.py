"""What is published of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchy.errors import UploadFailed
from benchy.hashing import hash_content
from benchy.leaderboard.exports.base import Publication
from benchy.leaderboard.exports.every_eval_ever import to_every_eval_ever
from benchy.leaderboard.private_paths import clean_results, last_part
from benchy.masking import mask_data
from benchy.record import RECORD_FILE, RunRecord
from benchy.results.agreement import find_contradictions, read_results
from benchy.results.damage import damage_named
from benchy.results.finished import require_file, require_plain_name


def make_publication(
    record: RunRecord, folder: Path, aside: Path, *, samples: bool = True, scores: bool = True
) -> Publication:
    """Decide what is published of a run.

    Args:
        record: the run's, as the host holds it.
        folder: where lm-eval's own files lie.
        aside: the folder in which forms are made that may be larger than memory; needed until all is published.
        samples: whether each document's answer is published.
        scores: whether each document's scores are.

    Raises:
        UploadFailed: a file of it is missing, damaged or changed, or contradicts the record.
    """
    require_plain_name(record.run_name, folder)
    published = as_published(record, samples=samples, scores=scores)
    assert published.evaluation is not None  # noqa: S101 - as the record's
    path = require_file(folder, published.evaluation.results_file)
    results = _read_results(path)
    answers = {
        part.name: require_file(folder, part.samples_file)
        for part in published.evaluation.benchmarks
        if part.samples_file
    }
    tables = [require_file(folder, part.scores_file) for part in published.evaluation.benchmarks if part.scores_file]
    _require_agreement(record, results, (path, *answers.values(), *tables))
    damaged = damage_named(
        UploadFailed, f"lm-eval's own files in {folder} are damaged", hint="run the evaluation again"
    )
    with damaged:
        cleaned = clean_results(results, record)
        of_every_eval = to_every_eval_ever(published, cleaned, answers, aside)
    files: dict[str, bytes | Path] = {file.name: file for file in (*answers.values(), *tables)}
    files[path.name] = path if cleaned == results else json.dumps(cleaned, indent=2).encode()
    files |= of_every_eval
    hashes = {name: hash_content(files[name]) for name in record.file_hashes if name in files}
    published = published.with_file_hashes(hashes)
    files[RECORD_FILE] = (published.model_dump_json(indent=2) + "\n").encode()
    return Publication(published, files, aside)


def _require_agreement(record: RunRecord, results: dict[str, Any], files: Iterable[Path]) -> None:
    """Require that lm-eval's files are those that the host took, and say what the record says."""
    hint = "`benchy verify RUN` says what differs; put the files back, or run it again"
    for file in files:
        if record.file_hashes.get(file.name, "") not in {"", hash_content(file)}:
            raise UploadFailed(f"lm-eval's own file {file} was changed since the evaluation", hint=hint)
    assert record.evaluation is not None  # noqa: S101 - of what is published
    if found := next(find_contradictions(record.evaluation, results), None):
        raise UploadFailed(f"the record contradicts lm-eval's own file beside it: {found}", hint=hint)


def _read_results(path: Path) -> dict[str, Any]:
    try:
        return read_results(path.read_bytes())
    except ValueError as error:
        raise UploadFailed(f"lm-eval's own file {path} is damaged: {error}", hint="run the evaluation again") from error


def as_published(record: RunRecord, *, samples: bool = True, scores: bool = True) -> RunRecord:
    """Return the record as everybody may see it, and the same whenever it is uploaded.

    An absolute path says nothing to others and may hold a person's name: its last part stands for it. What happened
    to the run after its evaluation (a first upload that failed) is not part of it.
    """
    public = record.with_paths(last_part)
    model = public.config.model
    public = public.without_history(public.config.with_model(model.with_args(mask_data(model.args))))
    public = public if samples else public.without_samples()
    return public if scores else public.without_scores()
