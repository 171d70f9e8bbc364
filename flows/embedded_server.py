"""Prefect's embedded server: a child process that lives as long as its parent, for hosts that have no server.

Prefect would start one too, but only when the flow does, and in the terminal's process group: Ctrl-C then ends the
server before the flow can report to it, and a flow that is killed leaves it behind. The command and its environment
are those of ``SubprocessASGIServer`` in ``prefect/server/api/server.py`` (3.8.8).
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque

from benchy.errors import NetworkError
from benchy.fast_imports import collecting_no_garbage
from benchy.runs.log import RunLog
from benchy.runtimes.lines import read_lines
from benchy.runtimes.passed_on import passed_on

START_SECONDS = 300.0
"""A new database takes 9 s on an idle machine."""
SECONDS_UNTIL_SAID = 20.0
SETTINGS = {
    "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "",  # no web page may ask
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",  # this process shows none of Prefect's lines; a server says why
}
LONGEST_LINE = 2000
_ERROR = re.compile(r"^(?:\w+\.)*\w+(?:Error|Exception): .+")


class EmbeddedServer:
    """A starting server; it ends by itself when this process does."""

    def __init__(self, log: RunLog) -> None:
        """Start it, without waiting. What it complains about goes to the log's file."""
        self._log = log
        self._last_words: deque[str] = deque(maxlen=50)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/api"
        self.password = f"benchy:{secrets.token_urlsafe()}"
        """What its clients must say: every program and web page on this machine reaches its port."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.embedded_server", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_environment(self.password),
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Return when it answers.

        Raises:
            NetworkError: it ended, or does not answer.
        """
        import httpx

        started, said = time.monotonic(), False
        with httpx.Client(trust_env=False) as client:  # no proxy leads to this machine's own port
            while self._process.poll() is None and time.monotonic() < started + START_SECONDS:
                try:
                    if client.get(f"{self.url}/health").is_success:
                        return
                except httpx.TransportError:
                    time.sleep(0.05)
                if not said and time.monotonic() > started + SECONDS_UNTIL_SAID:
                    said = True
                    self._log.write([f"Waiting for Prefect's embedded server to start: {START_SECONDS:.0f} s at most"])
        raise NetworkError(f"Prefect's embedded server {self.why_ended() or 'does not answer'}")

    def why_ended(self) -> str | None:
        """How its process ended, with its reason if it gave one; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        self._listener.join(timeout=1)
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        reasons = [line for line in self._last_words if _ERROR.match(line)]
        return f"{how}: {reasons[-1]}" if reasons else how

    def stop(self) -> None:
        """End it now: another server is used, or it does not answer."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - Popen was given a pipe
        with self._process.stderr as stderr:
            for lines in read_lines(iter(lambda: os.read(stderr.fileno(), 1 << 16), b""), longest=LONGEST_LINE):
                self._last_words.extend(lines)
                self._log.keep(lines)


def _environment(password: str) -> dict[str, str]:
    """Prefect's own settings and what finds programs; this process's tokens are not for a server."""
    own = {name: value for name, value in os.environ.items() if name.startswith(("PREFECT_", "DO_NOT_TRACK"))}
    return passed_on(os.environ, ()) | own | SETTINGS | {"PREFECT_SERVER_API_AUTH_STRING": password}


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
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
    while os.read(0, 1):  # a buffered reader's lock would be in the way at this process's end
        pass
    os.kill(os.getpid(), signal.SIGTERM)  # uvicorn finishes what it was sent
    time.sleep(10)
    os._exit(1)


if __name__ == "__main__":
    main()
