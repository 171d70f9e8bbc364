"""The environment report of lm-eval's results file is the one that it writes itself."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import torch.utils.collect_env

from benchy.worker.harness.speedups import installed_packages, listed_without_pip

collect_env: Any = torch.utils.collect_env


def test_the_packages_are_those_that_pip_lists() -> None:
    pip = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    assert installed_packages().splitlines() == pip.stdout.splitlines()


def test_the_report_is_the_same_and_runs_no_pip() -> None:
    real = collect_env.get_pip_packages
    commands: list[Any] = []

    def run(command: Any) -> Any:
        commands.append(command)
        return collect_env.run(command)

    expected = real(run)
    assert len(commands) == 1
    with listed_without_pip():
        assert collect_env.get_pip_packages(run) == expected
    assert len(commands) == 1
    assert "torch==" in expected[1]
    assert collect_env.get_pip_packages is real
