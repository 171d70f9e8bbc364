"""`benchy demo` outside of a clone: the demo comes with the wheel, and what is there stays."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

from benchy.cli.demo import SHIPPED, put_demo_into
from tests.commands import DEMO, REPOSITORY, benchy, copy_repository, only_record


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_is_put_into_an_empty_folder_and_run(tmp_path: Path) -> None:
    done = benchy("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "benchy run configs/demo.yaml` runs them again" in done.stdout
    shown = re.findall(r"^demo_.*±.*$", (REPOSITORY / "README.md").read_text("utf-8"), re.MULTILINE)
    assert shown == re.findall(r"^demo_.*±.*$", done.stdout, re.MULTILINE)
    assert "fatal" not in done.stderr, "lm-eval asks git for a commit, and this is no repository"
    assert only_record(tmp_path).status == "published"
    assert (tmp_path / "leaderboard" / "leaderboard.html").is_file()


def test_what_is_there_stays(tmp_path: Path) -> None:
    own = tmp_path / "configs" / "demo" / "tasks" / "demo_animals.jsonl"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    assert put_demo_into(tmp_path)
    assert own.read_text() == "mine"
    assert not put_demo_into(tmp_path)


def test_the_wheel_holds_all_of_the_demo(tmp_path: Path) -> None:
    """As pip builds it; the build's own packages are those of this environment."""
    copy_repository(tmp_path / "project")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
    ]
    built = subprocess.run(
        [*build, str(tmp_path), str(tmp_path / "project")], capture_output=True, text=True, check=False, timeout=600
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    place = SHIPPED.removesuffix("demo.yaml")
    with zipfile.ZipFile(wheel) as opened:
        shipped = {
            name.partition(f".data/data/{place}")[2]: opened.read(name) for name in opened.namelist() if place in name
        }
        names = set(opened.namelist())
    assert shipped == {"demo.yaml": (DEMO.parent / "demo.yaml").read_bytes()} | {
        f"demo/{name}": content for name, content in files_below(DEMO).items() if "__pycache__" not in name
    }
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {"benchy/py.typed", "benchy/leaderboard/page/page.html.jinja"} <= names
