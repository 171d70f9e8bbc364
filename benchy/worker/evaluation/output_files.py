"""lm-eval's own result and samples files in a run's folder."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from benchy.errors import EvaluationFailed

PROBE_BYTES = 1 << 20
LONGEST_NAME = 200
"""Bytes of a benchmark's name that go into the name of its file whole."""


def write_files(
    tracker: Any, folder: Path, results: dict[str, Any], samples: dict[str, list[Any]]
) -> tuple[str, dict[str, str]]:
    """Have lm-eval's tracker write its files. It only warns when it cannot, so look.

    Returns:
        The name of the results file, and those of the samples files by benchmark.

    Raises:
        OSError: the folder cannot be written.
        EvaluationFailed: a file is missing, or only a part is there.
    """
    tracker.save_results_aggregated(results=results, samples=samples)
    for name, of_benchmark in samples.items():
        tracker.save_results_samples(task_name=file_part(name), samples=of_benchmark)
    written = f"results_{tracker.date_id}.json"
    names = {name: f"samples_{file_part(name)}_{tracker.date_id}.jsonl" for name in samples}
    broken = [names[name] for name in samples if _count_lines(folder / names[name]) != len(samples[name])]
    if not _is_json(folder / written):
        broken.append(written)
    if broken:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
        raise EvaluationFailed(f"lm-eval could not write {', '.join(broken)} to {folder}", hint="the log says why")
    return written, names


def file_part(benchmark: str) -> str:
    """Return a benchmark's name as a part of a file's, which has no slash and at most 255 bytes."""
    plain = benchmark.replace("%", "%25").replace("/", "%2F")
    if len(plain.encode()) <= LONGEST_NAME:
        return plain
    return f"{plain[: LONGEST_NAME // 4]}-{hashlib.sha256(benchmark.encode()).hexdigest()[:16]}"


def _count_lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(1 for line in file if line.endswith(b"\n"))
    except OSError:
        return -1


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True
