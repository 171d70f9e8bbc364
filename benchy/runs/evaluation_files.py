"""Takes lm-eval's files from the one folder that the model's worker may write, once that worker is gone."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePath

from benchy.errors import EvaluationFailed
from benchy.masking import known_secrets_mask
from benchy.record import WORKER_FOLDER, EvaluationResult
from benchy.regular_files import open_regular
from benchy.results.agreement import find_contradictions, read_results


def take_files(folder: Path, evaluation: EvaluationResult) -> dict[str, str]:
    """Move lm-eval's files up into the run's folder, and return the SHA-256 of each.

    Raises:
        EvaluationFailed: one is missing or no regular file, or they contradict what the worker answered.
    """
    own = (name for part in evaluation.benchmarks for name in (part.samples_file, part.scores_file) if name)
    names = [evaluation.results_file, *own]
    try:
        hashes = {name: _take(name, folder) for name in names}
        results = read_results((folder / evaluation.results_file).read_bytes())
    except (OSError, ValueError) as error:
        raise EvaluationFailed(f"lm-eval's own files cannot be read: {error}", hint=_HINT) from error
    if found := next(find_contradictions(evaluation, results), None):
        raise EvaluationFailed(f"the worker's answer contradicts lm-eval's own file: {found}", hint=_HINT)
    return hashes


_HINT = "start the run again; if it happens twice, code of the model or of a benchmark changes them"


def _take(name: str, folder: Path) -> str:
    """Return a copy, so that no link of the worker's leads to it.

    A secret of this process that stands in it is masked.
    """
    if PurePath(name).name != name:
        raise ValueError(f'"{name[:100]}" is no plain file name')
    masked, made, digest = known_secrets_mask(), folder / f".{name}.part", hashlib.sha256()
    with open_regular(folder / WORKER_FOLDER / name) as source, made.open("wb") as copy:
        for line in source:
            clean = masked(line.decode(errors="surrogateescape")).encode(errors="surrogateescape")
            digest.update(clean)
            copy.write(clean)
    made.replace(folder / name)
    return digest.hexdigest()
