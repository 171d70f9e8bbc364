"""Keeps git's complaint off the log where lm-eval asks for a commit in a folder that is no repository."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchy.worker.harness.patching import replaced


@contextmanager
def git_asked_quietly() -> Iterator[None]:
    """Have lm-eval note the commit of the folder as it does, without "fatal: not a git repository" on stderr."""
    from lm_eval import evaluator

    with replaced(evaluator, get_git_commit_hash=_commit_of_this_folder):
        yield


def _commit_of_this_folder() -> str | None:
    from lm_eval.loggers.utils import get_commit_from_path

    asked = ["git", "describe", "--always"]
    try:
        return subprocess.check_output(asked, stderr=subprocess.DEVNULL).strip().decode()
    except (subprocess.CalledProcessError, FileNotFoundError):  # no repository, or no git
        return get_commit_from_path(Path.cwd())  # type: ignore[no-any-return]
