"""A real Prefect server, and the real ``prefect`` command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.embedded_server import free_port


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server's API; one server for the whole session."""
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    environment = {"PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")), "PREFECT_API_URL": api}
    command = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with running(prefect_command(*command), environment=environment) as server:
        wait_until(lambda: is_healthy(api) or server.poll() is not None, seconds=120)
        assert is_healthy(api)
        yield api


@contextmanager
def running(
    command: list[str], *, environment: dict[str, str], cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A service in a process group of its own, stopped at the end as a terminal would: Ctrl-C, then kill."""
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def prefect_command(*arguments: str) -> list[str]:
    """``prefect`` of this Python."""
    return [sys.executable, "-m", "prefect", *arguments]


def prefect(*arguments: str, api: str, seconds: float = 180) -> subprocess.CompletedProcess[str]:
    """Run ``prefect`` to its end."""
    return subprocess.run(
        prefect_command(*arguments),
        env=os.environ | {"PREFECT_API_URL": api, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def is_healthy(api: str) -> bool:
    """Whether a server answers."""
    try:
        return httpx.get(f"{api}/health", timeout=5).is_success
    except httpx.TransportError:
        return False


def ask(api: str, path: str, **body: Any) -> Any:
    """POST to the server's REST API."""
    return httpx.post(f"{api}/{path}", json=body, timeout=30).raise_for_status().json()


def wait_until(condition: Callable[[], object], *, seconds: float) -> None:
    """Ask again and again; the test fails when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {condition}")
        time.sleep(0.1)
