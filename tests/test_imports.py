"""What may import what, held by interpreters in which the forbidden packages cannot be imported."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import REPOSITORY

SUBCLASSES_OF_LM_EVAL = ("benchy.worker.hf.", "benchy.worker.answers.resumable_lm")
"""Imported when a model is used."""


def modules_below(package: str) -> list[str]:
    folder = REPOSITORY / package.replace(".", "/")
    below = (found.name for found in pkgutil.walk_packages([str(folder)], f"{package}."))
    return [package, *(name for name in below if not name.startswith(SUBCLASSES_OF_LM_EVAL))]


def import_without(blocked: list[str], modules: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Import modules where the blocked packages cannot be; prints what was imported of them, and what was printed."""
    code = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({blocked}))\n"
        f"for name in {modules}:\n"
        "    if not name.endswith('__main__'):\n"
        "        importlib.import_module(name)\n"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("package", "blocked"),
    [
        ("benchy.worker", ["prefect", "docker"]),
        ("benchy", ["prefect", "torch", "transformers", "lm_eval", "datasets", "accelerate"]),
        ("flows", ["torch", "transformers", "lm_eval", "datasets", "accelerate"]),
        ("tasks", ["torch", "transformers", "lm_eval", "datasets", "accelerate"]),
    ],
)
def test_every_module_imports_without(package: str, blocked: list[str], tmp_path: Path) -> None:
    done = import_without(blocked, modules_below(package), tmp_path)
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_the_worker_starts_without_torch(tmp_path: Path) -> None:
    code = "import benchy.worker.__main__, sys; print([m for m in ('torch', 'lm_eval', 'prefect') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
