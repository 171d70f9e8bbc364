"""README: short, without a dead link, and what it has a reader type works as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import REPOSITORY, copy_repository, only_record

README = (REPOSITORY / "README.md").read_text("utf-8")
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
MOST_LINES = 150


def section(title: str) -> str:
    """Return the text below a heading."""
    found = README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert found, title
    return found


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_no_link_is_dead(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#]*)#?([^)]*)\)", page.read_text("utf-8"))
    dead = []
    for path, anchor in links:
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(f"{path}#{anchor}")
    assert dead == []


def test_each_page_of_the_docs_can_be_reached_from_it() -> None:
    pages = {f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md")}
    assert pages <= set(re.findall(r"\]\((docs/[\w-]+\.md)", README))


def test_a_benchmark_of_ones_own_as_it_is_typed_there(tmp_path: Path) -> None:
    """A reader writes the three files, and types the three commands."""
    copy_repository(tmp_path)
    text = section("Your own model")
    written = re.findall(r"here `([\w./]+)`.*?\n```\w+\n(.*?)```", text, re.DOTALL)
    assert [name for name, _ in written] == ["my_tasks/sounds.jsonl", "my_tasks/sounds.yaml", "mine.yaml"]
    for name, content in written:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    commands = re.findall(r"^\$ (.*?)(?:  +# .*)?$", text, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=os.environ | {"PATH": path, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        if command == "benchy run mine.yaml":
            record = only_record(tmp_path)
            assert record.status == "published"
            assert record.evaluation is not None
            assert [benchmark.documents for benchmark in record.evaluation.benchmarks] == [3]


def test_each_command_of_the_table_is_one() -> None:
    """Its name and its options, by `--help`."""
    typed = re.findall(r"`benchy (\w+)((?: [^`]*)?)`", README)
    helps: dict[str, str] = {}
    for name, rest in typed:
        if name not in helps:
            asked = [sys.executable, "-m", "benchy", name, "--help"]
            helps[name] = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        for option in re.findall(r"--[\w-]+", rest):
            assert option in helps[name], f"benchy {name} {option}"
    assert {"check", "run", "test", "upload", "verify"} <= helps.keys()
