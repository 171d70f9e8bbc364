"""A file is replaced whole or stays as it was, and nothing half written is left beside it."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from benchy.atomic import write_atomically


@pytest.mark.parametrize(
    "text", ["", "{}\n", "é 日本\u2028", "x" * 1_000_000], ids=["empty", "json", "other letters", "long"]
)
def test_a_text_is_written_as_utf_8(tmp_path: Path, text: str) -> None:
    write_atomically(tmp_path / "record.json", text)
    assert (tmp_path / "record.json").read_bytes() == text.encode()
    assert os.listdir(tmp_path) == ["record.json"]  # noqa: PTH208 - names alone


def test_a_shorter_text_leaves_nothing_of_the_longer(tmp_path: Path) -> None:
    write_atomically(tmp_path / "record.json", "a long text")
    write_atomically(tmp_path / "record.json", "short")
    assert (tmp_path / "record.json").read_text(encoding="utf-8") == "short"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_others_may_read_it_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "record.json", "{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "record.json").stat().st_mode) == 0o644


def test_a_text_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    write_atomically(tmp_path / "record.json", "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "record.json", "new \ud800")
    assert (tmp_path / "record.json").read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["record.json"]  # noqa: PTH208


def test_a_folder_in_its_place_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "record.json").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "record.json", "new")
    assert os.listdir(tmp_path) == ["record.json"]  # noqa: PTH208


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "gone" / "record.json", "new")


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("other", encoding="utf-8")
    (tmp_path / "record.json").symlink_to(tmp_path / "other")
    write_atomically(tmp_path / "record.json", "new")
    assert (tmp_path / "other").read_text(encoding="utf-8") == "other"
    assert not (tmp_path / "record.json").is_symlink()


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    path, texts = tmp_path / "record.json", ("a" * 100_000, "b" * 100_000)
    write_atomically(path, texts[0])
    done = threading.Event()

    def write_on() -> None:
        for number in range(100):
            write_atomically(path, texts[number % 2])
        done.set()

    writer = threading.Thread(target=write_on)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(path.read_text(encoding="utf-8"))
    writer.join()
    assert seen <= set(texts)
