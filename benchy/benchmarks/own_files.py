"""Which files of one's own `evaluation.tasks` names: a file, a pattern of files, or a folder."""

from __future__ import annotations

import glob
from itertools import islice
from pathlib import Path

from benchy.errors import ConfigError

SUFFIXES = (".yaml", ".yml", ".json")
"""JSON is YAML too."""
MOST_FILES = 2_000
"""That one name may stand for."""


def own_files(name: str) -> list[str]:
    """Return the files that a name stands for, in their order; none if it names no file.

    As ``lm_eval run`` reads names that it does not know (``EvaluatorConfig.process_tasks``): a pattern stands for the
    files that match it, a folder for those of its files that end in ``.yaml``.

    Raises:
        ConfigError: they are too many.
    """
    is_folder = Path(name).is_dir()
    if not is_folder and not name.endswith(SUFFIXES):
        return []
    found = glob.iglob(f"{glob.escape(name)}/*.yaml" if is_folder else name)  # noqa: PTH207 - it may be absolute
    files = sorted(islice(filter(_is_file, found), MOST_FILES + 1))
    if len(files) > MOST_FILES:
        raise ConfigError(
            f'evaluation.tasks: "{name}" stands for more than {MOST_FILES:,} files', hint="name those you mean"
        )
    return files


def _is_file(path: str) -> bool:
    return Path(path).is_file()
