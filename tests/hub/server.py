"""The loopback Hub: repositories, users, switches and counts, served over HTTP on this machine alone."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.hub.faults import Fault, Faults
from tests.hub.handler import HubHandler
from tests.hub.repositories import Repository, RepoType


@dataclass
class Seen:
    """One request that reached the wire."""

    method: str
    path: str
    status: int
    user: str | None
    is_content: bool
    """It asked for the content of a file, and not for facts."""
    body_bytes: int = 0
    """Of the answer, once it is sent."""


@dataclass(frozen=True)
class User:
    """Whose token it is."""

    name: str
    role: str = "read"
    """Of the token: ``read`` or ``write``."""
    orgs: tuple[str, ...] = ()
    """Where the user is a member who may write."""

    @property
    def owners(self) -> set[str]:
        """Whose repositories are the user's own."""
        return {self.name, *self.orgs}

    def may_write(self, owner: str) -> bool:
        """Whether this token may change a repository of that owner."""
        return self.role == "write" and owner in self.owners


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up, or is killed, is no error of the Hub's."""


@dataclass
class LoopbackHub:
    """A Hub. Use it as a context manager; :attr:`endpoint` is what ``HF_ENDPOINT`` takes."""

    host: str = "127.0.0.1"
    """This machine's address as the client sees it; from a container it is another one than loopback."""
    cdn_host: str = "localhost"
    """The same machine by another name."""
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    """By type and name."""
    users: dict[str, User] = field(default_factory=dict)
    """By token."""
    seen: list[Seen] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    lfs_objects: dict[str, bytes] = field(default_factory=dict)
    """Uploaded contents by SHA-256, not yet in a commit."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while a repository is made."""
    closing: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        address = "127.0.0.1" if self.host == "127.0.0.1" else "0.0.0.0"  # noqa: S104 - containers have to reach it
        self._server = _Server((address, 0), partial(HubHandler, self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://{self.host}:{self.port}"

    @property
    def cdn(self) -> str:
        """The same server by another name: to a client it is another host, as the Hub's storage is."""
        return f"http://{self.cdn_host}:{self.port}/cdn"

    def environment(self, home: Path, *, token: str | None = None) -> dict[str, str]:
        """Return what points a child process's client at this Hub, with a cache of its own."""
        own = {
            "HF_ENDPOINT": self.endpoint,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HOME": str(home),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
        return own | ({"HF_TOKEN": token} if token else {})

    def add_repository(
        self, name: str, files: dict[str, bytes] | Path | None = None, *, repo_type: RepoType = "model"
    ) -> Repository:
        """Return a new repository with one commit of these files (or a folder's)."""
        repository = Repository(name, repo_type)
        if isinstance(files, Path):
            repository.commit_folder(files)
        else:
            repository.commit({".gitattributes": b"*.safetensors filter=lfs\n"} | (files or {}))
        self.repositories[repo_type, name] = repository
        return repository

    def add_user(self, name: str, *, role: str = "read", orgs: tuple[str, ...] = ()) -> str:
        """Return a user; the token that names them."""
        token = f"hf_{name}{role}"
        self.users[token] = User(name, role, orgs)
        return token

    def fail(self, pattern: str, *, status: int = 503, times: int = 1_000_000, retry_after: int | None = None) -> Fault:
        """Answer with an error, so many times; 429 with ``Retry-After`` is a rate limit."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return self.faults.add(Fault(pattern, times=times, status=status, headers=headers))

    def cut(self, pattern: str, *, after: int, times: int = 1_000_000) -> Fault:
        """Drop the connection in the middle of a body."""
        return self.faults.add(Fault(pattern, times=times, cut_after=after))

    def stall(self, pattern: str, *, after: int = 0, times: int = 1_000_000) -> Fault:
        """Go silent in the middle of a body."""
        return self.faults.add(Fault(pattern, times=times, stall_after=after))

    def slow_down(self, pattern: str, *, bytes_per_second: int) -> Fault:
        """Trickle."""
        return self.faults.add(Fault(pattern, bytes_per_second=bytes_per_second))

    def race_download(self, repository: Repository, added: dict[str, bytes]) -> Fault:
        """Somebody commits right after a file was asked for the first time."""
        pattern = f"HEAD /{repository.id}/resolve/"
        return self.faults.add(Fault(pattern, times=1, before=lambda: repository.commit(added)))

    def race(self, repository: Repository, added: dict[str, bytes], *, times: int = 1) -> Fault:
        """Somebody else commits just before the next commit arrives."""
        pattern = f"POST /api/{repository.type}s/{repository.id}/commit/"
        return self.faults.add(Fault(pattern, times=times, before=lambda: repository.commit(added)))

    def count(self, pattern: str = "") -> int:
        """How many requests matched ``METHOD /path``."""
        import re

        return sum(bool(re.search(pattern, f"{seen.method} {seen.path}")) for seen in self.seen)

    @property
    def content_bytes(self) -> int:
        """Bytes of file contents that went over the wire."""
        return sum(seen.body_bytes for seen in self.seen if seen.is_content)

    def bytes_served(self, content: bytes) -> int:
        """Return how many bytes of a file in large storage went over the wire."""
        name = hashlib.sha256(content).hexdigest()
        return sum(seen.body_bytes for seen in self.seen if seen.path.endswith(name))
