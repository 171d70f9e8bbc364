"""The folder of a finished run is read as Benchy wrote it, or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.errors import ErrorData, UploadFailed
from benchy.results.finished import read_finished, require_file, require_plain_name
from tests.records import make_record, make_run_folder


def test_a_run_with_scores_is_read_whatever_happened_afterwards(tmp_path: Path) -> None:
    record = make_record(run_name="run", status="failed")
    folder = make_run_folder(tmp_path, record)
    assert read_finished(folder).run_name == "run"


def test_a_run_without_scores_says_what_ended_it(tmp_path: Path) -> None:
    error = ErrorData(kind="DiskFull", message="no space", hint="", transient=False)
    failed = make_record(run_name="run", status="failed", error=error)
    folder = make_run_folder(tmp_path, failed.model_validate(dict(failed) | {"evaluation": None}))
    with pytest.raises(UploadFailed, match="run has no scores: it is failed: no space"):
        read_finished(folder)


def test_a_record_that_was_edited_is_refused(tmp_path: Path) -> None:
    folder = make_run_folder(tmp_path, make_record("org/model", {"arc": 0.5}, run_name="run"))
    path = folder / "record.json"
    path.write_text(path.read_text().replace("0.5", "0.9"))
    with pytest.raises(UploadFailed, match="was edited") as caught:
        read_finished(folder)
    assert "benchy verify" in caught.value.hint


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UploadFailed, match="holds no readable record"):
        read_finished(tmp_path)


def test_a_file_must_be_there_and_no_link(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{}")
    assert require_file(tmp_path, "results.json") == tmp_path / "results.json"
    (tmp_path / "link.json").symlink_to("results.json")
    for name in ("link.json", "missing.json"):
        with pytest.raises(UploadFailed, match=f"own file .*{name} is missing"):
            require_file(tmp_path, name)


@pytest.mark.parametrize("name", ["../results.json", "a/b", ".hidden", "/etc/passwd", "a\nb", "\x1b[2J", ""])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UploadFailed, match="no plain file name"):
        require_plain_name(name, tmp_path)
