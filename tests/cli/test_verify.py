"""`benchy verify` on a leaderboard as it was published, and after somebody changed it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchy.errors import NotVerified
from benchy.leaderboard.verification import find_changes
from benchy.record import read_record
from tests.commands import benchy
from tests.records import benchmark, make_record, make_run_folder, metric, publish_in, read_publication


@pytest.fixture
def board(tmp_path: Path) -> Path:
    folder = make_run_folder(tmp_path / "outputs", make_record("org/model", {"arc": 0.5}, run_name="run"))
    publish_in(tmp_path / "leaderboard", read_publication(folder, tmp_path))
    return tmp_path / "leaderboard"


def test_a_leaderboard_as_it_was_published_is_verified(board: Path, tmp_path: Path) -> None:
    done = benchy("verify", board, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "✅ run" in done.stdout


@pytest.mark.parametrize("content", ["[5]", '{"results": ', '{"configs": 5}', '{"configs": {"arc": [1]}}'])
def test_results_that_are_not_of_lm_evals_form_are_named(tmp_path: Path, content: str) -> None:
    """It said "unexpected JSONDecodeError", as of a bug."""
    part = benchmark("arc", metric(1.0), documents=2, documents_in_all=2, samples_file="samples_arc.jsonl")
    folder = make_run_folder(tmp_path, make_record("org/model", benchmarks=(part,), run_name="run"))
    (path,) = folder.glob("results_*.json")
    path.write_text(content, encoding="utf-8")
    done = benchy("verify", folder, cwd=tmp_path)
    assert done.returncode == NotVerified.exit_code, done.stdout + done.stderr
    assert path.name in done.stdout
    assert "unexpected" not in done.stdout + done.stderr


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


def test_a_file_that_was_put_beside_a_run_is_named(board: Path, tmp_path: Path) -> None:
    (board / "records" / "run" / "samples_more.jsonl").write_text("{}\n", encoding="utf-8")
    done = benchy("verify", board, cwd=tmp_path)
    assert done.returncode == NotVerified.exit_code
    assert "samples_more.jsonl was not published with this run" in done.stdout


@pytest.mark.parametrize("name", ["a\0b", "\ud800", 5, [], "../record.json", "\x1b[2J", None])
def test_a_manifest_that_somebody_made_up_is_named_and_stops_nobody(board: Path, name: object) -> None:
    run = board / "records" / "run"
    manifest = json.loads((run / "manifest.json").read_bytes())
    manifest["subject"] = [] if name is None else [*manifest["subject"], {"name": name, "digest": {"sha256": "x"}}]
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    record = read_record(run)
    assert list(find_changes(run, record)) == ["manifest.json cannot be read"]


def test_the_command_says_so_of_such_a_manifest(board: Path, tmp_path: Path) -> None:
    (board / "records" / "run" / "manifest.json").write_text(
        '{"subject": [{"name": 5, "digest": {"sha256": "x"}}]}', encoding="utf-8"
    )
    done = benchy("verify", board, cwd=tmp_path)
    assert done.returncode == NotVerified.exit_code, done.stderr
    assert "manifest.json cannot be read" in done.stdout
