"""One version, wherever it is written."""

from __future__ import annotations

import re
import tomllib

from benchy import __version__
from tests.commands import REPOSITORY


def test_every_image_and_the_package_are_of_this_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "benchy.__version__"}
    found = [
        version
        for name in ("docs/gpu-server.md", "docker-compose.yml", "Dockerfile.gpu", "docs/evaluation.md")
        for text in [(REPOSITORY / name).read_text("utf-8")]
        for version in re.findall(r"(?:benchy-(?:gpu|orchestrator):|ARG VERSION=)(\d+\.\d+\.\d+)", text)
    ]
    assert len(found) >= 9
    assert set(found) == {__version__}
