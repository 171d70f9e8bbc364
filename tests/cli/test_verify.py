"""`benchy verify` on a leaderboard as it was published, and after somebody changed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.errors import NotVerified
from tests.commands import benchy
from tests.records import make_record, make_run_folder, publish_in, read_publication


@pytest.fixture
def board(tmp_path: Path) -> Path:
    folder = make_run_folder(tmp_path / "outputs", make_record("org/model", {"arc": 0.5}, run_name="run"))
    publish_in(tmp_path / "leaderboard", read_publication(folder, tmp_path))
    return tmp_path / "leaderboard"


def test_a_leaderboard_as_it_was_published_is_verified(board: Path, tmp_path: Path) -> None:
    done = benchy("verify", board, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "✅ run" in done.stdout


@pytest.mark.parametrize(("name", "said"), [("record.json", "its record was changed"), ("results_*.json", "results_")])
def test_a_score_that_was_changed_afterwards_is_named(board: Path, tmp_path: Path, name: str, said: str) -> None:
    (path,) = (board / "records" / "run").glob(name)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("0.5", "0.9"), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    done = benchy("verify", board, cwd=tmp_path)
    assert done.returncode == NotVerified.exit_code
    assert "❌ run" in done.stdout
    assert said in done.stdout
