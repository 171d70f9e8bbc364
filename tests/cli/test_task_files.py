"""What `benchy check` says of hostile task files, each a bug message or a hang before; no code of them runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import write_config
from tests.fuzz.hostile import LAUGHS, MERGES
from tests.fuzz.sandbox import Sandbox

TASK = "task: own\ndataset_path: json\n"
CASES = {
    "code": (TASK + "x: !!python/object/apply:os.system ['touch {canary}']\n", "own.yaml: not valid YAML"),
    "references": (TASK + LAUGHS, "more than 20,000 values"),
    "merges": (TASK + MERGES, "more than 20,000 values"),
    "depth": (TASK + "z: " + "[" * 400, "nested deeper than 50 levels"),
    "itself": (TASK + "y: &x [*x]\n", "a value contains itself"),
    "date": (TASK + "a: 2026-13-45\n", "month must be in 1..12"),
    "include": (TASK + "include: [[1], {a: b}, own.yaml, '/etc', 5]\n", ""),
    "arguments": (TASK + "dataset_kwargs: 5\n", ""),
    "group": ("group: own\ntask: [own, own, {task: [1]}, 5]\n", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_a_task_file_is_bounded_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    text, said = CASES[case]
    (tmp_path / "case" / "tasks").mkdir(parents=True)
    config = write_config(tmp_path, evaluation={"include_path": str(tmp_path / "case" / "tasks"), "tasks": "own"})
    sandbox = Sandbox(tmp_path)
    monkeypatch.chdir(tmp_path / "case")
    (tmp_path / "case" / "tasks" / "own.yaml").write_text(text.replace("{canary}", str(sandbox.canary)))
    assert said in sandbox.command("check", str(config))
