"""What the real command publishes of two runs of one benchmark whose files changed in between."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchy.leaderboard.board import Board
from benchy.record import read_record
from tests.commands import DEMO, benchy, isolated_environment, write_config


def test_changed_questions_open_another_column_of_the_same_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed description; the model is a folder called like a famous repository."""
    for name, value in isolated_environment(tmp_path).items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    model = "meta-llama/Llama-3.1-8B"
    shutil.copytree(DEMO / "model", tmp_path / model)
    shutil.copytree(DEMO / "tasks", tmp_path / "tasks")
    task, data = tmp_path / "tasks" / "demo_animals.yaml", tmp_path / "tasks" / "demo_animals.jsonl"
    task.write_text(task.read_text().replace("configs/demo/tasks", str(tmp_path / "tasks")))
    evaluation = {"tasks": "demo_animals", "include_path": str(tmp_path / "tasks")}
    config = write_config(tmp_path, model={"name": model}, evaluation=evaluation)

    first = benchy("run", config, cwd=tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"Model test successful: {model} (folder)" in first.stdout
    task.write_text(task.read_text().replace("doc_to_text: ", "description: 'Now: '\ndoc_to_text: "))
    second = benchy("run", config, cwd=tmp_path)
    assert second.returncode == 0, second.stdout + second.stderr

    (table,) = Board.model_validate_json((tmp_path / "leaderboard" / "leaderboard.json").read_bytes()).tables
    (row,) = table.rows
    assert (row.model, row.source, row.commit) == (f"{model} (folder)", "folder", None)
    assert len({cell.run_name for cell in row.cells if cell}) == 2
    assert [column.conditions.benchmark for column in table.columns] == ["demo_animals"] * 2
    assert [bool(column.differs) for column in table.columns] == [False, True]
    assert "description" in table.columns[1].differs[0]
    record = read_record(next((tmp_path / "outputs").iterdir()))
    assert record.data_sets.keys() >= {data.name}
    assert all(version.startswith("sha256:") for version in record.data_sets.values())
