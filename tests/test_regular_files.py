"""Only regular files are opened: nothing blocks, and no link leads elsewhere."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from benchy.regular_files import append_to_regular, is_plain_name, open_regular, read_regular


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.with_name("secret").write_bytes(b"secret")
    path.symlink_to(path.with_name("secret"))


def _dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def _folder(path: Path) -> None:
    path.mkdir()


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


OTHER = [_pipe, _link, _dangling_link, _folder, _device]


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_bytes(b"\x00{}\r\n")
    with open_regular(tmp_path / "record.json") as file:
        assert file.read() == b"\x00{}\r\n"
    assert read_regular(tmp_path / "record.json") == b"\x00{}\r\n"


@pytest.mark.parametrize("make", OTHER)
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "record.json")
    with pytest.raises(OSError, match=r"record\.json"):
        open_regular(tmp_path / "record.json")


@pytest.mark.parametrize("make", OTHER)
def test_what_is_no_regular_file_is_not_written(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "benchy.log")
    with pytest.raises(OSError, match=r"benchy\.log"):
        append_to_regular(tmp_path / "benchy.log")
    assert not (tmp_path / "nowhere").exists()


def test_a_device_is_refused_with_what_it_is() -> None:
    with pytest.raises(OSError, match="it is no regular file") as refused:
        open_regular(Path("/dev/null"))
    assert (refused.value.errno, refused.value.filename) == (errno.EINVAL, "/dev/null")


def test_a_file_that_is_not_there_is_said_as_ever(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "record.json")


@pytest.mark.parametrize(("most", "fits"), [(4, True), (None, True), (3, False), (0, False)])
def test_a_file_may_hold_so_many_bytes_and_no_more(tmp_path: Path, most: int | None, fits: bool) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(b"1234")
    if fits:
        assert read_regular(path, most=most) == b"1234"
        return
    with pytest.raises(OSError, match=f"it holds more than {most} bytes") as refused:
        read_regular(path, most=most)
    assert (refused.value.errno, refused.value.filename) == (errno.EFBIG, str(path))


def test_what_is_appended_comes_after_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "benchy.log"
    for line in (b"one\n", b"two\n"):
        descriptor = append_to_regular(path)
        os.write(descriptor, line)
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)
    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) & 0o133 == 0


def test_a_refused_file_leaves_no_descriptor_open(tmp_path: Path) -> None:
    _pipe(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a listing of this process's own
    for _ in range(20):
        with pytest.raises(OSError, match="it is no regular file"):
            open_regular(tmp_path / "pipe")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("results.json", True),
        ("a b", True),
        ("", False),
        ("a/b", False),
        ("..", False),
        (".git", False),
        ("a\nb", False),
    ],
)
def test_a_plain_name(name: str, plain: bool) -> None:
    assert is_plain_name(name) is plain
