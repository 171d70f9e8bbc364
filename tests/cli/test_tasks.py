"""`benchy tasks` lists what evaluation.tasks may name."""

from __future__ import annotations

from pathlib import Path

from benchy.errors import TaskNotFound
from tests.commands import assert_refused, benchy


def test_names_that_hold_a_word_with_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("task: own_arc_easy\ntag: mine\n")
    done = benchy("tasks", "ARC_EASY", "--include-path", tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {"task  arc_easy", "task  own_arc_easy"} <= set(done.stdout.splitlines())
    assert benchy("tasks", "mine", "--kind", "tag", "--include-path", tmp_path, cwd=tmp_path).stdout == "tag   mine\n"


def test_a_word_that_no_name_holds(tmp_path: Path) -> None:
    refused = benchy("tasks", "no_such_word_at_all", cwd=tmp_path)
    assert_refused(refused, TaskNotFound.exit_code, "TaskNotFound", 'no benchmark whose name holds "no_such_word')
