"""What hostile options say, each a bug message, a hang or a message of 100 kB before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import write_config
from tests.fuzz.sandbox import Sandbox


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--gpus", "1" * 5000], "ConfigError"),
        (["--gpus", "²"], "GpuNotFound|ConfigError|✅"),
        (["--gpu-memory", "9" * 400 + "GB"], "is no amount of memory"),
        (["--gpu-memory", "0GB"], "is no amount of memory"),
        (["--model", "x" * 100_000], "ConfigError"),
        (["--model", "x/" + "y" * 300], "ModelNotFound|NetworkError|ConfigError"),
        (["--model", "/proc"], "holds more than 20,000 files"),
        (["--tasks", "x" * 100_000], "ConfigError"),
        (["--tasks", "*"], '"*" stands for'),
        (["--tasks", "**"], '"**" stands for'),
        (["--limit", "inf"], '"evaluation.limit" is inf'),
        (["--limit", "nan"], '"evaluation.limit" is nan'),
    ],
)
def test_an_option_is_bounded_and_named(tmp_path: Path, options: list[str], said: str) -> None:
    (tmp_path / "case").mkdir()
    config = write_config(tmp_path)
    text = Sandbox(tmp_path).command("check", str(config), *options)
    assert any(part in text for part in said.split("|")), text


def test_an_include_path_of_everything_is_bounded(tmp_path: Path) -> None:
    """It hung."""
    (tmp_path / "case").mkdir()
    config = write_config(tmp_path, evaluation={"include_path": "/"})
    assert "files and folders" in Sandbox(tmp_path).command("check", str(config))
