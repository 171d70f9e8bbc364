"""What the algorithm does with hostile, changed and foreign records; the stores have tests of their own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from benchy.errors import UploadFailed
from benchy.leaderboard.board import Board
from benchy.leaderboard.manifest import find_differences, find_signature_problem
from benchy.leaderboard.publish import publish
from benchy.leaderboard.stores.folder import FolderStore
from benchy.record import RunRecord
from tests.records import benchmark, make_record, make_run_folder, metric, publish_in, read_publication


def add(record: RunRecord, board: Path) -> bool:
    """Publish a run, and say whether it had been there."""
    folder = board.parent / "outputs" / record.run_name
    if not folder.is_dir():
        make_run_folder(folder.parent, record)
    return publish_in(board, read_publication(folder, folder)).already_there


def read_board(folder: Path) -> Board:
    return Board.model_validate_json((folder / "leaderboard.json").read_bytes())


def scores_on(folder: Path) -> dict[str, str]:
    """Return the standing of each run."""
    rows = (row for table in read_board(folder).tables for row in table.rows)
    cells = ((row.standing, cell) for row in rows for cell in row.cells if cell)
    return {
        run: standing
        for row_standing, cell in cells
        for run, standing in [(cell.run_name, row_standing), *((one.run_name, "older") for one in cell.older)]
    }


def with_metric(value: float | None, **changes: Any) -> RunRecord:
    name = changes.pop("benchmark", "arc_easy")
    return make_record("org/bad", benchmarks=(benchmark(name, metric(value, **changes)),), run_name="bad")


def with_parameters(parameters: int) -> RunRecord:
    record = make_record("org/bad", run_name="bad")
    assert record.model_test is not None
    return record.model_copy(update={"model_test": record.model_test.model_copy(update={"parameters": parameters})})


def with_results_file(name: str) -> RunRecord:
    record = make_record("org/bad", run_name="bad")
    assert record.evaluation is not None
    return record.model_copy(update={"evaluation": record.evaluation.model_copy(update={"results_file": name})})


HOSTILE = [
    pytest.param(lambda: with_metric(1e308), id="word perplexity 1e308"),
    pytest.param(lambda: with_metric(float("inf")), id="infinite"),
    pytest.param(lambda: with_metric(float("nan")), id="NaN"),
    pytest.param(lambda: with_metric(0.5, stderr=1e200), id="error of 1e200"),
    pytest.param(lambda: with_metric(0.5, stderr=float("-inf")), id="error infinite"),
    pytest.param(lambda: with_parameters(10**400), id="10^400 parameters"),
    pytest.param(lambda: with_results_file("//host/x"), id="results elsewhere"),
    pytest.param(lambda: with_metric(0.5, benchmark="x" * 3000), id="long name"),
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_record_that_cannot_be_ranked_is_refused_before_it_is_added_and_set_aside_where_it_lies(
    tmp_path: Path, hostile: Callable[[], RunRecord]
) -> None:
    board, record = tmp_path / "board", hostile()
    add(make_record("org/first", run_name="first"), board)
    publication = read_publication(make_run_folder(tmp_path, make_record("org/bad", run_name="bad")), tmp_path)
    with pytest.raises(UploadFailed, match="bad cannot stand on a leaderboard"):
        publish_in(board, type(publication)(record, publication.files, tmp_path))
    assert not (board / "records" / "bad").exists()

    (board / "records" / "bad").mkdir()
    (board / "records" / "bad" / "record.json").write_text(_as_json(record))
    add(make_record("org/second", run_name="second"), board)
    assert scores_on(board).keys() == {"first", "second"}
    assert read_board(board).unreadable == ("bad",)
    assert "records/bad" in (board / "leaderboard.html").read_text()


def _as_json(record: RunRecord) -> str:
    """With NaN and infinities, and half characters, as whoever forges a record can write them."""
    return json.dumps(record.model_dump() | {"started_at": "2026-11-01T12:00:00Z", "ended_at": None})


def test_a_pipe_or_a_link_in_the_place_of_a_record_holds_nobody_up(tmp_path: Path) -> None:
    board = tmp_path / "board"
    for name in ("pipe", "link", "deep"):
        (board / "records" / name).mkdir(parents=True)
    os.mkfifo(board / "records" / "pipe" / "record.json")
    (board / "records" / "link" / "record.json").symlink_to("/etc/hostname")
    (board / "records" / "deep" / "record.json").write_text("[" * 100_000)
    add(make_record(run_name="honest"), board)
    assert scores_on(board) == {"honest": "ranked"}
    assert read_board(board).unreadable == ("deep", "link", "pipe")


def test_what_came_last_counts_whatever_its_clock_said(tmp_path: Path) -> None:
    board = tmp_path / "board"
    late = datetime(9999, 12, 31, tzinfo=UTC)
    add(make_record("org/m", {"arc": 0.9}, run_name="forged", ended_at=late), board)
    add(make_record("org/m", {"arc": 0.5}, run_name="true"), board)
    assert scores_on(board) == {"true": "ranked", "forged": "older"}
    add(make_record("org/m", {"arc": 0.9}, run_name="forged", ended_at=late, run_id="x"), tmp_path / "other")
    assert list(json.loads((board / "received.json").read_text())["runs"]) == ["forged", "true"]


def test_runs_of_older_boards_keep_the_order_of_their_clocks(tmp_path: Path) -> None:
    board = tmp_path / "board"
    for name, day in (("b", 2), ("a", 3)):
        add(make_record("org/m", run_name=name, day=day), board)
    (board / "received.json").unlink()
    add(make_record("org/other", run_name="c", day=1), board)
    assert list(json.loads((board / "received.json").read_text())["runs"]) == ["b", "a", "c"]


def test_a_changed_record_is_set_aside_and_put_back_by_its_owner(tmp_path: Path) -> None:
    board, mine = tmp_path / "board", make_record("org/mine", {"arc": 0.5}, run_name="mine")
    add(mine, board)
    stored = board / "records" / "mine" / "record.json"
    honest = stored.read_text()
    stored.write_text(honest.replace('"value": 0.5', '"value": 0.9'))
    add(make_record("org/other", {"arc": 0.6}, run_name="other"), board)
    assert scores_on(board) == {"other": "ranked"}
    assert read_board(board).unreadable == ("mine",)
    assert add(mine, board) is False
    assert (stored.read_text(), scores_on(board)) == (honest, {"other": "ranked", "mine": "ranked"})
    assert add(mine, board) is True


def test_a_changed_file_of_lm_evals_is_put_back_by_its_owner(tmp_path: Path) -> None:
    board, mine = tmp_path / "board", make_record(run_name="mine")
    add(mine, board)
    (results,) = (board / "records" / "mine").glob("results_*.json")
    honest = results.read_text()
    results.write_text("{}")
    assert add(mine, board) is False
    assert results.read_text() == honest


def test_a_manifest_names_every_file_and_is_signed_where_a_key_is_given(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    folder = make_run_folder(tmp_path / "outputs", make_record(run_name="run"))
    publish(read_publication(folder, folder), FolderStore(tmp_path / "board"), signing_key=pem)
    files = {path.name: path.read_bytes() for path in (tmp_path / "board" / "records" / "run").iterdir()}
    manifest, envelope = files.pop("manifest.json"), files.pop("manifest.dsse.json")
    named = {subject["name"] for subject in json.loads(manifest)["subject"]}
    assert named == files.keys()
    assert list(find_differences(manifest, files.get)) == []
    assert find_signature_problem(manifest, envelope, public) is None

    other = Ed25519PrivateKey.generate().public_key()
    other_pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert find_signature_problem(manifest, envelope, other_pem) == "its manifest is not signed with this key"
    assert find_signature_problem(manifest + b" ", envelope, public) == "its manifest is not the one that was signed"
    assert find_signature_problem(manifest, None, public) == "its manifest is not signed"
    changed = files | {"record.json": b"{}"}
    assert list(find_differences(manifest, changed.get)) == ["record.json was changed since it was published"]
