"""How many cases are tried, and the folder that a case may not leave."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir

from benchy.benchmarks.index import index_lm_eval
from tests.fuzz.sandbox import Sandbox

SURFACES = 8
"""Configs, suites, command lines, checkpoints, task files, rows, records, answers."""
CASES = int(os.environ.get("BENCHY_FUZZ", "300")) // SURFACES

settings.register_profile(
    "benchy",
    max_examples=CASES,
    derandomize=True,  # the seed is fixed: the same cases at each run
    database=None,
    phases=[Phase.generate],  # a case that hangs would hang each smaller one too
    report_multiple_bugs=False,
    deadline=None,  # the sandbox ends a case itself
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("benchy")


@pytest.fixture(scope="session", autouse=True)
def _index() -> None:
    """Do first what takes a second at the first start of all, and is no case's own time."""
    index_lm_eval()


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Provide a folder for the cases of one test, which stand in its sub-folder `case`."""
    set_hypothesis_home_dir(tmp_path / "hypothesis")
    (tmp_path / "case").mkdir()
    monkeypatch.chdir(tmp_path / "case")
    sandbox = Sandbox(tmp_path)
    yield sandbox
    sandbox.require_untouched()
