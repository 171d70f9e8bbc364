"""Every run of a leaderboard gets a verdict, also one that cannot be read; a folder without any is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchy.errors import ConfigError
from benchy.runs.verifying import Verdict, read_public_key, verify
from tests.records import make_record, make_run_folder, publish_in, read_publication


def verdicts(where: Path) -> dict[str, Verdict]:
    return {verdict.name: verdict for verdict in verify(str(where), public_key=None, say=lambda _lines: None)}


def test_a_folder_of_neither_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        verdicts(tmp_path)
    assert refused.value.message == f"{tmp_path} holds neither a run nor a leaderboard"
    assert refused.value.hint == "name a folder of one of them"


@pytest.mark.parametrize("content", ["{", '{"schema_version": 9}'])
def test_a_record_that_cannot_be_read_is_a_verdict(tmp_path: Path, content: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "record.json").write_text(content, encoding="utf-8")
    (verdict,) = verdicts(tmp_path / "run").values()
    assert (verdict.name, verdict.scores, len(verdict.differences)) == ("run", 0, 1)
    assert verdict.differences[0].startswith("its record cannot be read: ")


def test_a_leaderboard_names_what_it_set_aside_and_what_it_says_wrongly(tmp_path: Path) -> None:
    board = tmp_path / "board"
    publish_in(board, read_publication(make_run_folder(tmp_path, make_record(run_name="run")), tmp_path))
    (board / "records" / "run" / "record.json").write_text("{", encoding="utf-8")
    found = verdicts(board)
    assert set(found) == {"leaderboard", "run"}
    assert found["leaderboard"].differences == ("leaderboard.json does not say what the records beside it say",)
    assert len(found["run"].differences) == 1
    assert found["run"].scores == 0
    (board / "leaderboard.json").write_text("{", encoding="utf-8")
    assert verdicts(board)["leaderboard"].differences == ("leaderboard.json cannot be read",)


def test_an_empty_leaderboard_has_nothing_to_verify_but_itself(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "leaderboard.json").write_text(json.dumps({}), encoding="utf-8")
    assert list(verdicts(tmp_path)) == ["leaderboard"]


def test_a_key_is_what_its_file_holds(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN PUBLIC KEY-----\n", encoding="utf-8")
    assert read_public_key(tmp_path / "key.pem") == "-----BEGIN PUBLIC KEY-----\n"
    assert read_public_key(None) is None


@pytest.mark.parametrize("name", ["nowhere.pem", ".", "binary.pem"])
def test_a_key_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "binary.pem").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError) as refused:
        read_public_key(tmp_path / name)
    assert refused.value.message.startswith(f"the key {tmp_path / name} cannot be read: ")
    assert refused.value.hint == "name a PEM file"
