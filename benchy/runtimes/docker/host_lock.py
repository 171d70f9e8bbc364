"""The lock under which GPUs are looked at and leased: one for all who use this machine's Docker engine."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchy.errors import WorkerError

SHARED_FOLDER = Path("/tmp/benchy-locks")  # noqa: S108 - not $TMPDIR, which is not the same for everybody
"""docker-compose.yml mounts it."""
FILE = "gpus.lock"
SECONDS_BETWEEN_TRIES = 0.2
SECONDS_BETWEEN_WORDS = 30.0
LONGEST_NOTE_BYTES = 500

Log = Callable[[list[str]], None]


def lock_place(docker_host: str | None) -> tuple[Path, int]:
    """Return the folder of the lock, and the group that may use it: that of the socket, through which one is root here.

    An engine that is not root's, or not on this machine, is this user's own.

    Args:
        docker_host: what ``DOCKER_HOST`` says.
    """
    address = docker_host or "unix:///var/run/docker.sock"
    if address.startswith("unix://"):
        with suppress(OSError):
            found = Path(address.removeprefix("unix://")).stat()
            if found.st_uid == 0:
                return SHARED_FOLDER, found.st_gid
    return Path(f"{SHARED_FOLDER}-{os.geteuid()}"), os.getegid()


@contextmanager
def host_lock(folder: Path, group: int, log: Log) -> Iterator[None]:
    """Hold the lock; while somebody else does, say who, and for how long.

    Args:
        folder: where it is; made if it is not there.
        group: of the engine's socket: whoever may use the engine may lock, and nobody else.
        log: gets a line when it has to wait.

    Raises:
        WorkerError: the folder is not of that group, or others can write there.
    """
    place = _open_folder(folder, group)
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(FILE, flags, 0o660, dir_fd=place)
    except OSError as error:
        raise _refused(folder, error.strerror or str(error)) from error
    finally:
        os.close(place)
    try:
        _own(file, group, 0o660)
        _acquire(file, log)
        _note_holder(file)
        yield
        os.ftruncate(file, 0)
    finally:
        os.close(file)  # which unlocks it


def _open_folder(folder: Path, group: int) -> int:
    """Return a descriptor of the folder itself, never of what a link names."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o770)
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _refused(folder, error.strerror or str(error)) from error
    _own(opened, group, 0o770)  # the engine may have made it, for root alone
    found = os.fstat(opened)
    if found.st_uid not in {0, os.geteuid()} and found.st_gid != group:
        problem = f"it belongs to {_user(found.st_uid)}"
    elif found.st_gid != group:
        problem = f"its group is {found.st_gid}, that of the Docker engine's socket {group}"
    elif found.st_mode & stat.S_IWOTH:
        problem = "everybody can write there"
    else:
        return opened
    os.close(opened)
    raise _refused(folder, problem)


def _own(opened: int, group: int, mode: int) -> None:
    """Give what is ours to the group. What is another's is judged as it is.

    Not sticky: in a sticky folder the kernel lets nobody else open the file (fs.protected_regular).
    """
    found = os.fstat(opened)
    if found.st_uid != os.geteuid():
        return
    with suppress(PermissionError):  # we are not in that group; the check that follows says so
        os.fchown(opened, -1, group)
        os.fchmod(opened, mode)


def _refused(folder: Path, problem: str) -> WorkerError:
    hint = f"look at who made it, then remove it: `sudo rm -r {folder}`"
    return WorkerError(f"the folder of the GPU lock, {folder}, cannot be used: {problem}", hint=hint)


def _acquire(file: int, log: Log) -> None:
    said: float | None = None
    while not _try(file):
        now = time.monotonic()
        if said is None or now - said >= SECONDS_BETWEEN_WORDS:
            log([f"waiting for the lock of this machine's GPUs, which {_holder(file)}"])
            said = now
        time.sleep(SECONDS_BETWEEN_TRIES)


def _try(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _note_holder(file: int) -> None:
    note = json.dumps({"pid": os.getpid(), "user": _user(os.geteuid()), "since": time.time()})
    os.ftruncate(file, 0)
    os.pwrite(file, note.encode(), 0)


def _holder(file: int) -> str:
    """Who holds it, in words: as it says itself."""
    try:
        note = json.loads(os.pread(file, LONGEST_NOTE_BYTES, 0))
        pid, user, seconds = int(note["pid"]), str(note["user"]), time.time() - float(note["since"])
    except (ValueError, TypeError, KeyError):
        return "a process that does not say who it is holds (`fuser -v` names it)"
    return f"process {pid} of the user {user} has held for {seconds:.0f} s"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"number {uid}"
