"""lm-eval's own result and samples files in a run's folder."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from benchy.errors import EvaluationFailed

PROBE_BYTES = 1 << 20


def written_files(tracker: Any, folder: Path, samples: dict[str, list[Any]]) -> dict[str, str]:
    """The names of lm-eval's files. Its tracker only warns when it cannot write, so look.

    Raises:
        OSError: the folder cannot be written.
        EvaluationFailed: a file is missing, or only a part is there.
    """
    results = f"results_{tracker.date_id}.json"
    names = {name: f"samples_{name}_{tracker.date_id}.jsonl" for name in samples}
    broken = [names[name] for name in samples if _count_lines(folder / names[name]) != len(samples[name])]
    if not _is_json(folder / results):
        broken.append(results)
    if broken:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
        raise EvaluationFailed(f"lm-eval could not write {', '.join(broken)} to {folder}", hint="the log says why")
    return {"results": results} | names


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
