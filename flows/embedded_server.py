"""Prefect's embedded server: a child process that lives as long as its parent, for hosts that have no server.

Prefect would start one too, but only when the flow does, and in the terminal's process group: Ctrl-C then ends the
server before the flow can report to it, and a flow that is killed leaves it behind. The command and its environment
are those of ``SubprocessASGIServer`` in ``prefect/server/api/server.py`` (3.8.8).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from benchy.errors import NetworkError
from benchy.fast_imports import collecting_no_garbage

START_SECONDS = 120.0
"""A new database takes 9 s on an idle machine."""
SETTINGS = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}


class EmbeddedServer:
    """A starting server; it ends by itself when this process does."""

    def __init__(self, log: Path) -> None:
        """Start it, without waiting. What it complains about goes to ``log``."""
        self._log = log
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/api"
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "flows.embedded_server", str(port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=os.environ | SETTINGS,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return when it answers.

        Raises:
            NetworkError: it ended, or does not answer.
        """
        import httpx

        deadline = time.monotonic() + START_SECONDS
        with httpx.Client() as client:
            while self._process.poll() is None and time.monotonic() < deadline:
                try:
                    if client.get(f"{self.url}/health").is_success:
                        return
                except httpx.TransportError:
                    time.sleep(0.05)
        raise NetworkError("Prefect's embedded server did not start", hint=f"the end of {self._log} may say why")

    def stop(self) -> None:
        """End it now: another server is used."""
        self._process.kill()
        self._process.wait()


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Serve until stdin ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with collecting_no_garbage():
        import prefect.server.api.server
        import uvicorn

    application = prefect.server.api.server.create_app
    uvicorn.run(application, factory=True, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", lifespan="on")


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)  # uvicorn finishes what it was sent
    time.sleep(10)
    os._exit(1)


if __name__ == "__main__":
    main()
