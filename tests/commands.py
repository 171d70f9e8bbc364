"""Runs the real command line, as a person would, and writes the configs that it is given."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from benchy.record import RunRecord, read_record

REPOSITORY = Path(__file__).parent.parent
DEMO = REPOSITORY / "configs" / "demo"
NOBODY_LISTENS = "http://127.0.0.1:9"
"""A Hub that refuses each connection at once (port 9 is `discard`)."""


def isolated_environment(home: Path) -> dict[str, str | None]:
    """Return what is set, and what is removed (None), for a test and all that it starts."""
    return {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": NOBODY_LISTENS,
        "HF_TOKEN": None,
        "HF_HUB_OFFLINE": None,
        "PREFECT_HOME": str(home / ".prefect"),
        "PREFECT_API_URL": None,
        "PREFECT_PROFILE": None,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(REPOSITORY),
    }


def benchy(*arguments: object, cwd: Path, seconds: float = 600, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``benchy`` to its end; ``PYTHONPATH`` and the rest come from this process."""
    return subprocess.run(
        benchy_command(*arguments),
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def assert_refused(done: subprocess.CompletedProcess[str], code: int, kind: str, *said: str) -> None:
    """One error line with what to do, and no traceback."""
    assert done.returncode == code, done.stdout + done.stderr
    assert len(re.findall(r"^❌ ", done.stderr, re.MULTILINE)) == 1
    assert f"❌ {kind}: " in done.stderr
    assert "\n  → " in done.stderr
    assert "Traceback" not in done.stderr
    for part in said:
        assert part in done.stderr


def start_benchy(
    *arguments: object, cwd: Path, through: Sequence[str] = (), **environment: str
) -> subprocess.Popen[str]:
    """Start ``benchy``, ``through`` another command, in a process group of its own, with both outputs in one pipe."""
    return subprocess.Popen(
        [*through, *benchy_command(*arguments)],
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def copy_repository(folder: Path) -> None:
    """As ``git clone`` makes it, with what is not committed yet."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    for name in subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.splitlines():
        if (source := REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)


def benchy_command(*arguments: object) -> list[str]:
    """``python -m benchy`` of the checkout that is tested."""
    return [sys.executable, "-m", "benchy", *map(str, arguments)]


def demo_settings(folder: Path, **changes: Any) -> dict[str, Any]:
    """Return the demo's settings with absolute paths and all output in ``folder``.

    ``changes`` are sections (a dict is merged into the section, anything else takes its place; None drops it).
    """
    settings: dict[str, Any] = yaml.safe_load((REPOSITORY / "configs" / "demo.yaml").read_text(encoding="utf-8"))
    settings["model"]["name"] = str(DEMO / "model")
    settings["evaluation"] |= {"include_path": str(DEMO / "tasks"), "output_path": str(folder / "outputs")}
    settings["logging"] = {"log_dir": str(folder / "logs")}
    settings["upload"] = {"to": str(folder / "leaderboard")}
    for section, change in changes.items():
        if change is None:
            settings.pop(section, None)
        elif isinstance(change, dict):
            settings[section] = settings.get(section, {}) | change
        else:
            settings[section] = change
    return settings


def reach_demo(folder: Path) -> None:
    """Let commands that run in a folder find the demo's data, whose paths are relative to the repository's root."""
    if not (folder / "configs").exists():
        (folder / "configs").symlink_to(DEMO.parent, target_is_directory=True)


def write_config(folder: Path, name: str = "config.yaml", **changes: Any) -> Path:
    """Return a YAML file with :func:`demo_settings`."""
    path = folder / name
    path.write_text(yaml.safe_dump(demo_settings(folder, **changes)), encoding="utf-8")
    return path


def only_record(folder: Path) -> RunRecord:
    """Return the record of the one run below ``folder/outputs``."""
    (run_folder,) = (folder / "outputs").iterdir()
    return read_record(run_folder)


def worker_pids(ancestor: int) -> list[int]:
    """Return the GPU workers that a process or its descendants started; not what the workers forked."""
    parents: dict[int, int] = {}
    workers: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text(encoding="utf-8").rpartition(")")[2].split()[:2]
            command = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        pid = int(stat.parent.name)
        parents[pid] = int(parent)
        if state != "Z" and b"benchy.worker" in command:
            workers.add(pid)

    def descends(pid: int) -> bool:
        return pid == ancestor or (pid in parents and descends(parents[pid]))

    return [pid for pid in workers if parents[pid] not in workers and descends(pid)]


def kill(pid: int) -> None:
    """``kill -9``."""
    os.kill(pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))
