"""Every file of the project that a text of the project names is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.commands import REPOSITORY

KINDS = {".py", ".md", ".yaml", ".toml", ".gpu"}
NAMED = re.compile(r"(?<![\w/.-])(?:benchy|flows|tasks|tests|bench|docs)/[\w/-]+\.(?:py|md|css|yaml|jinja)\b")


def tracked_texts() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    paths = (REPOSITORY / name for name in listed.split("\0") if name)
    return [path for path in paths if path.suffix in KINDS and path.is_file()]


def test_every_named_file_exists() -> None:
    named = {
        (str(path.relative_to(REPOSITORY)), name)
        for path in tracked_texts()
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
    }
    assert named
    assert sorted((path, name) for path, name in named if not (REPOSITORY / name).exists()) == []
