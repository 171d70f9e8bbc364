"""What docs/extending.md shows is run as it stands there, by the real command."""

from __future__ import annotations

import os
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from benchy.leaderboard.board import Board
from tests.commands import REPOSITORY, assert_refused, benchy, only_record, write_config

_FILE = re.compile(r"^`(?P<name>\w+\.py)`:\n\n```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a folder with the guide's files, as if they were installed, and with its entry points."""
    guide = (REPOSITORY / "docs" / "extending.md").read_text("utf-8")
    (package := tmp_path / "package").mkdir()
    for found in _FILE.finditer(guide):
        (package / found["name"]).write_text(found["code"], "utf-8")
    (installed := package / "mine-1.0.dist-info").mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    groups = re.findall(r'^\[project\.entry-points\."(.+)"\]\n(.+) = "(.+)"$', guide, re.MULTILINE)
    assert groups
    (installed / "entry_points.txt").write_text("".join(f"[{group}]\n{name} = {at}\n" for group, name, at in groups))
    return package


def path_with(package: Path) -> str:
    return f"{package}{os.pathsep}{os.environ['PYTHONPATH']}"


@pytest.mark.parametrize("named", ["lengths", "my_backend:LENGTHS"])
def test_a_third_back_end(package: Path, tmp_path: Path, named: str) -> None:
    config = write_config(
        tmp_path, model={"name": "any", "backend": named}, evaluation={"tasks": "demo_accuracy", "limit": 3}
    )
    done = benchy("run", config, cwd=REPOSITORY, PYTHONPATH=path_with(package))
    assert done.returncode == 0, done.stdout + done.stderr
    record = only_record(tmp_path)
    assert (record.status, record.config.model.backend) == ("published", named)
    assert record.model_test is not None
    assert record.model_test.generated.endswith("yes")
    assert record.model_test.tokens == len("yes"), "its adapter counts characters"


def test_a_third_runtime(package: Path, tmp_path: Path) -> None:
    config = write_config(
        tmp_path, runtime="my_runtime:NiceRuntime", evaluation={"tasks": "demo_accuracy", "device": "cpu", "limit": 3}
    )
    done = benchy("run", config, cwd=REPOSITORY, PYTHONPATH=path_with(package))
    assert done.returncode == 0, done.stdout + done.stderr
    record = only_record(tmp_path)
    assert (record.status, record.runtime) == ("published", "my_runtime:NiceRuntime")
    said = Path(record.log_file).read_text("utf-8")
    assert [role for role in ("fetch", "model", "publish") if f"nice: a worker for {role}\n" in said] == [
        "model",
        "publish",
    ], "nothing is fetched for a model in a folder"


def test_a_runtime_that_is_none_is_said_before_anything_starts(tmp_path: Path) -> None:
    config = write_config(tmp_path, runtime="benchy.backends:KEYS")
    for command in ("check", "run"):
        refused = benchy(command, config, cwd=REPOSITORY)
        assert_refused(refused, 2, "ConfigError", 'runtime: "benchy.backends:KEYS" is a tuple, and no Runtime')
    assert not (tmp_path / "outputs").exists()


def test_a_third_store(package: Path, tmp_path: Path) -> None:
    """Two runs at once, of which the slower one has to rank anew."""
    to, evaluation = f"my_store:Table://{tmp_path}/board.db", {"tasks": "demo_accuracy", "device": "cpu", "limit": 3}
    configs = []
    for name in ("first", "second"):
        (folder := tmp_path / name).mkdir()
        configs.append(write_config(folder, upload={"to": to}, evaluation=evaluation))
    with ThreadPoolExecutor() as pool:
        ended = list(
            pool.map(lambda config: benchy("run", config, cwd=REPOSITORY, PYTHONPATH=path_with(package)), configs)
        )
    for done in ended:
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"Leaderboard: file://{tmp_path}/board.db" in done.stdout
    with closing(sqlite3.connect(tmp_path / "board.db")) as database:
        files = dict(database.execute("select path, content from files"))
    names = {only_record(tmp_path / name).run_name for name in ("first", "second")}
    assert {path.split("/")[1] for path in files if path.startswith("records/")} == names
    board = Board.model_validate_json(files["leaderboard.json"])
    assert board.runs == names


def test_a_store_that_is_none_is_said_before_anything_starts(tmp_path: Path) -> None:
    config = write_config(tmp_path, upload={"to": "benchy.backends:KEYS://there"})
    refused = benchy("check", config, cwd=REPOSITORY)
    assert_refused(refused, 2, "ConfigError", 'upload.to: "benchy.backends:KEYS" is a tuple, and no StoreKind')
