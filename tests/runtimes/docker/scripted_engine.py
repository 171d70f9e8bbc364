"""A Docker engine that does what it is told: the parts of its API that a worker's transport uses, on loopback HTTP."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import docker
from docker.models.containers import Container

ID = "c0ffee"
VERSION = "1.44"
_RAW = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


@dataclass
class ScriptedEngine:
    """An engine with one container. Use it as a context manager."""

    frames: tuple[tuple[int, bytes], ...] = ()
    """What the container says once it is started, by stream: 1 for stdout, 2 for stderr; they end when its stdin does.

    The client drops what comes in one packet with the engine's greeting.
    """
    events: tuple[dict[str, Any], ...] = ()
    """How it ends, once its streams did."""
    answers: Mapping[str, tuple[int, object]] = field(default_factory=dict)
    """Status and body by ``METHOD /path``; 204 and nothing for all others."""
    seen: list[str] = field(default_factory=list)
    """Each ``METHOD /path`` that it was asked."""
    written: bytes = b""
    """What came by the container's stdin."""

    def __enter__(self) -> Self:
        self.started, self.streams_ended = threading.Event(), threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._server.daemon_threads = True
        serve = partial(self._server.serve_forever, poll_interval=0.01)
        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()
        self.client = docker.DockerClient(base_url=self.address, version=VERSION)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.started.set()
        self.streams_ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """What ``DOCKER_HOST`` takes."""
        return f"tcp://127.0.0.1:{self._server.server_address[1]}"

    @property
    def container(self) -> Container:
        """Its container, as the real client names it."""
        return Container(attrs={"Id": ID}, client=self.client)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, engine: ScriptedEngine, *args: Any) -> None:
        self.engine = engine
        super().__init__(*args)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].removeprefix(f"/v{VERSION}")
        asked = f"{self.command} {path}"
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.engine.seen.append(asked)
        if asked == f"POST /containers/{ID}/start":
            self.engine.started.set()
        if path.endswith("/attach"):
            self._attach()
        elif path == "/events":
            self._events()
        else:
            status, body = self.engine.answers.get(asked, (204, None))
            self._send(status, b"" if body is None else json.dumps(body).encode())

    do_POST = do_DELETE = do_GET  # noqa: N815 - the base class's names

    def _attach(self) -> None:
        self.wfile.write(_RAW)
        if self.engine.frames:
            self.engine.started.wait()
        for stream, chunk in self.engine.frames:
            self.wfile.write(struct.pack(">BxxxL", stream, len(chunk)) + chunk)
        while line := self.rfile.readline():
            self.engine.written += line
        self.close_connection = True
        self.engine.streams_ended.set()

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.engine.streams_ended.wait()
        for event in (json.dumps(event).encode() + b"\n" for event in self.engine.events):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def event(action: str, **attributes: str) -> dict[str, Any]:
    """One event of the container, as the engine tells it."""
    return {"Type": "container", "Action": action, "Actor": {"ID": ID, "Attributes": attributes}}
