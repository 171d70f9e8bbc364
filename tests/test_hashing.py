"""A content and the file that holds it have one SHA-256, the one of every other program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchy.hashing import hash_content

NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""FIPS 180-4's own example."""


@pytest.mark.parametrize(("content", "expected"), [(b"", NOTHING), (b"abc", ABC)])
def test_a_content_has_the_published_hash(content: bytes, expected: str) -> None:
    assert hash_content(content) == expected


@pytest.mark.parametrize(
    "content", [b"", b"abc", b"\x00\r\n\xff", bytes(range(256)) * 4097], ids=["empty", "text", "binary", "a megabyte"]
)
def test_a_file_has_the_hash_of_its_content(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights").write_bytes(content)
    assert hash_content(tmp_path / "weights") == hash_content(content)


def test_a_file_has_the_hash_that_sha256sum_prints(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"some weights\n" * 10_000)
    printed = subprocess.run(["sha256sum", tmp_path / "weights"], capture_output=True, text=True, check=True).stdout
    assert hash_content(tmp_path / "weights") == printed.split()[0]


def test_one_bit_changes_it() -> None:
    assert hash_content(b"abc") != hash_content(b"abb")


def test_a_file_that_is_not_there_has_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="weights"):
        hash_content(tmp_path / "weights")
