"""The index knows the names that lm-eval knows, without lm-eval."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchy.benchmarks.index import TaskIndex, index_folder, index_lm_eval, index_tasks, is_known, require_tasks
from benchy.errors import TaskNotFound
from tests.commands import REPOSITORY

LM_EVAL_INDEX = """
import json
from lm_eval.tasks import TaskManager

def kind(entry):
    return "task" if entry.kind.name == "PY_TASK" else entry.kind.name.lower()

print(json.dumps({
    name: [kind(entry), entry.yaml_path and str(entry.yaml_path), sorted(entry.tags) if kind(entry) == "tag" else []]
    for name, entry in TaskManager().task_index.items()
}))
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    index_lm_eval.cache_clear()


def indexed_anew() -> TaskIndex | None:
    """As another process finds it."""
    index_lm_eval.cache_clear()
    return index_tasks(())


def test_it_equals_the_index_of_lm_eval_name_by_name() -> None:
    done = subprocess.run([sys.executable, "-c", LM_EVAL_INDEX], capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout)
    ours = index_tasks(()) or {}
    assert len(ours) > 10_000
    assert {name: [entry.kind, entry.path, sorted(entry.members)] for name, entry in ours.items()} == theirs
    assert indexed_anew() == ours, "what was kept is what was found"


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def test_names_come_from_the_top_level_and_from_included_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        _base="tag: [colors, 'basic']\ndoc_to_text: !function f.x\n",
        a="task: red\ninclude: _base.yaml\nmetadata:\n  task: not_this\n",
        b='"task": "blue"\ninclude:\n  - _base.yaml\ntag: sky\n',
        c="group: all_colors\ntask:\n  - red\n  - task: inner\n    group: no\n",
        d="class: !function f.Task\ntask: python_task\n",
        e="just: a file\n",
        f="task: [unclosed\n",
        g="include: g.yaml\ntask: recursive\n",
    )
    index = index_folder(tmp_path)
    assert {name: entry.kind for name, entry in index.items()} == {
        "red": "task", "blue": "task", "all_colors": "group", "python_task": "task", "recursive": "task",
        "colors": "tag", "basic": "tag", "sky": "tag",
    }  # fmt: skip
    assert index["colors"].members == ["red"]
    assert index["sky"].members == ["blue"]


def test_the_first_of_two_files_counts_and_include_path_wins(tmp_path: Path) -> None:
    write(tmp_path / "mine", a="task: arc_easy\n", b="task: arc_easy\ntag: mine\n")
    index = index_tasks([str(tmp_path / "mine")]) or {}
    assert index["arc_easy"].path == str(tmp_path / "mine" / "a.yaml")
    assert "mine" not in index
    assert "arc_challenge" in index


def test_what_stands_for_a_benchmark(tmp_path: Path) -> None:
    write(tmp_path, a="task: red_one\ntag: colors\n")
    index = index_folder(tmp_path)
    assert is_known("red_one", index)
    assert is_known("red_*", index)
    assert is_known("colors", index)
    assert is_known(str(tmp_path / "a.yaml"), index)
    assert not is_known(str(tmp_path / "b.yaml"), index)
    assert not is_known("blue_*", index)


def test_an_unknown_task_names_the_nearest() -> None:
    with pytest.raises(TaskNotFound, match='"arc_eazy"') as caught:
        require_tasks(["hellaswag", "arc_eazy"], [])
    assert "arc_easy" in caught.value.hint
    require_tasks(["arc_easy", "mmlu", "mmlu_abstract_*"], [])


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(TaskNotFound, match="include_path: no folder"):
        index_tasks([str(tmp_path / "nowhere")])


def test_each_environment_has_an_index_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two with an lm-eval of the same version and second shared one: when the other was gone, its files were sought."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names = []
    for place in ("one", "other"):
        tasks = tmp_path / place / "lm_eval" / "tasks"
        tasks.mkdir(parents=True)
        (tasks.parent / "__init__.py").write_text("", encoding="utf-8")
        (tasks / "own.yaml").write_text("task: own\n", encoding="utf-8")
        os.utime(tasks, (1_700_000_000, 1_700_000_000))
        code = "from benchy.benchmarks.index import index_lm_eval; print(index_lm_eval()['own'].path)"
        path = os.pathsep.join((str(tmp_path / place), str(REPOSITORY)))
        found = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        names.append(found.stdout.strip())
    assert names == [str(tmp_path / place / "lm_eval" / "tasks" / "own.yaml") for place in ("one", "other")]


def test_a_cache_that_cannot_be_written_or_read_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    first = indexed_anew()
    (tmp_path / "cache").unlink()
    assert indexed_anew() == first
    (kept,) = (tmp_path / "cache" / "benchy").glob("tasks-*.json")
    kept.write_text('{"arc_easy": ')
    assert indexed_anew() == first
