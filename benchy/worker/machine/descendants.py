"""How much memory the processes took that a process started, and those that these started."""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")
"""Linux's; elsewhere nothing is known of other processes."""


def peak_of_descendants(pid: int) -> int:
    """Return the bytes that all of them held at most, each at its own time; those that are gone are not among them."""
    return sum(_status(PROC / str(one) / "status").get("VmHWM", 0) * 1024 for one in descendants(pid))


def descendants(pid: int) -> set[int]:
    """Return the processes that a process started, those that these started, and so on."""
    parents = {int(path.name): _status(path / "status").get("PPid", -1) for path in PROC.glob("[0-9]*")}
    below = {pid}
    while more := {one for one, parent in parents.items() if parent in below} - below:
        below |= more
    return below - {pid}


def _status(path: Path) -> dict[str, int]:
    """Return the whole numbers of a process's status, by name; none if it ended meanwhile."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":")[::2] for line in lines)
    return {name: int(value.split()[0]) for name, value in pairs if value.split()[:1] and value.split()[0].isdecimal()}
