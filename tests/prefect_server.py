"""A real Prefect server, and the real ``prefect`` command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.embedded_server import free_port


@dataclass
class PrefectServer:
    """A running server, which may go away for a while."""

    home: Path
    port: int
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def api(self) -> str:
        """The URL of its API."""
        return f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        """Return when it answers."""
        environment = {"PREFECT_HOME": str(self.home), "PREFECT_API_URL": self.api}
        command = prefect_command("server", "start", "--host", "127.0.0.1", "--port", str(self.port))
        process = self._stack.enter_context(running(command, environment=environment))
        wait_until(lambda: is_healthy(self.api) or process.poll() is not None, seconds=300)
        assert is_healthy(self.api)

    def stop(self) -> None:
        """Its database stays."""
        self._stack.close()

    @contextmanager
    def away(self) -> Iterator[None]:
        """For the length of the block it is not there."""
        self.stop()
        yield
        self.start()


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """One server for all the tests of a file."""
    server = PrefectServer(tmp_path_factory.mktemp("prefect"), free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def prefect_api(prefect_server: PrefectServer) -> str:
    """Return the URL of that server's API."""
    return prefect_server.api


@contextmanager
def running(
    command: list[str], *, environment: dict[str, str], cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Provide a service in a process group of its own, stopped at the end as a terminal would: Ctrl-C, then kill."""
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


def prefect(*arguments: str, api: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
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


def ask(api: str, path: str, *, password: str | None = None, **body: Any) -> Any:
    """POST to the server's REST API; the password is ``user:password``.

    A busy server answers 503 while its database is locked, and Prefect's own client asks again too.
    """
    user, _, secret = (password or "").partition(":")
    for seconds in (0.5, 1, 2, 4, 8, 0):
        answer = httpx.post(f"{api}/{path}", json=body, timeout=30, auth=(user, secret) if password else None)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(seconds)
    return answer.raise_for_status().json()


def wait_until(condition: Callable[[], object], *, seconds: float) -> None:
    """Ask again and again; the test fails when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {condition}")
        time.sleep(0.1)
