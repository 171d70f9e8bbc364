"""lm-eval notes the commit of the folder, as plain lm-eval does, and git complains of nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from lm_eval import evaluator
from lm_eval.loggers.utils import get_git_commit_hash

from benchy.worker.harness.quiet_git import git_asked_quietly


def test_in_a_repository_it_is_what_lm_eval_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    with git_asked_quietly():
        assert evaluator.get_git_commit_hash() == get_git_commit_hash() != ""


def test_elsewhere_it_is_none_and_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with git_asked_quietly():
        assert evaluator.get_git_commit_hash() is None
    assert capfd.readouterr().err == ""
    assert evaluator.get_git_commit_hash is get_git_commit_hash
