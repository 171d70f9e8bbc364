"""The host's end of a worker that is a container."""

from __future__ import annotations

import queue
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import docker
import requests
import urllib3
from docker.errors import DockerException
from docker.types import CancellableStream
from docker.utils.socket import STDOUT, frames_iter_no_tty

from benchy.errors import BenchyError, EngineLost, NotEnoughMemory, WorkerError
from benchy.runtimes.endings import ended_with

if TYPE_CHECKING:
    from docker.models.containers import Container

ENGINE_ERRORS = (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""What the Docker SDK raises when the engine says no, or is not there."""
CHUNKS_AHEAD = 256
SECONDS_FOR_LAST_EVENTS = 2.0


def remove(container: Container) -> None:
    """End and remove it, now."""
    with suppress(*ENGINE_ERRORS):  # it is being removed already, or the engine is gone
        container.remove(force=True)


class DockerTransport:
    """A worker that is a container. The container is removed when it ends."""

    def __init__(self, client: docker.DockerClient, container: Container, *, is_limited: bool) -> None:
        """Attach to a container that was created and not yet started, so that nothing it says is missed.

        Args:
            client: of the engine.
            container: the worker.
            is_limited: the config says how much memory it may have, so that a kill is most likely the end of that.
        """
        self._client = client
        self._container = container
        self._is_limited = is_limited
        self.container_id = str(container.id)
        """The engine's."""
        self._ended = threading.Event()
        self._exit_code: int | None = None
        """None while it runs, and for good when the engine went away first."""
        self._out_of_memory = False
        self._killed = False
        """By the engine, because somebody asked it to."""
        self._answers: queue.Queue[bytes | None] = queue.Queue(CHUNKS_AHEAD)
        self._log: queue.Queue[bytes | None] = queue.Queue(CHUNKS_AHEAD)
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        self._hijacked = client.api.attach_socket(self.container_id, params=streams)
        self._socket: socket.socket = self._hijacked._sock
        self._socket.settimeout(None)
        filters = {"container": self.container_id, "type": "container"}
        events: CancellableStream[dict[str, Any]] = client.api.events(filters=filters, decode=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._watcher = threading.Thread(target=self._watch, args=(events,), daemon=True)
        self._reader.start()
        self._watcher.start()

    def send(self, line: bytes) -> None:
        """Write to its stdin. Raises OSError when it is gone."""
        self._socket.sendall(line)

    def close_input(self) -> None:
        """End its stdin, which asks it to leave."""
        with suppress(OSError):  # it is gone
            self._socket.shutdown(socket.SHUT_WR)

    def answers(self) -> Iterator[bytes]:
        """Its stdout as it comes."""
        return iter(self._answers.get, None)

    def log(self) -> Iterator[bytes]:
        """Its stderr as it comes."""
        return iter(self._log.get, None)

    def go_offline(self) -> None:
        """Disconnect it from every network; only its own loopback stays.

        Raises:
            WorkerError: the engine does not do that, and model code must not run with a network.
        """
        try:
            state = self._client.api.inspect_container(self.container_id)
            for name in state["NetworkSettings"]["Networks"]:
                self._client.api.disconnect_container_from_network(self.container_id, name, force=True)
        except ENGINE_ERRORS as error:
            if self._ended.is_set():
                raise self.explain_end() from error
            raise WorkerError(
                f"the worker's container cannot be cut off from the network: {error}",
                hint='"container.sandbox: false" lets model code have the network',
            ) from error

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, within so many seconds; it has for us when the engine is gone."""
        return self._ended.wait(seconds)

    def kill(self) -> None:
        """End and remove it, now."""
        remove(self._container)
        self._ended.wait(SECONDS_FOR_LAST_EVENTS)

    def explain_end(self) -> BenchyError:
        """Why it ended without an answer. The end of its streams alone says nothing: an engine that dies ends them."""
        self._watcher.join(SECONDS_FOR_LAST_EVENTS)
        code = self._exit_code
        if code is None:
            return EngineLost("the Docker engine went away while the worker was running")
        killed = code == 128 + signal.SIGKILL
        if self._out_of_memory or (
            killed and self._is_limited and not self._killed
        ):  # the event may come late, or never
            return NotEnoughMemory(
                "the worker was killed by the kernel: its container ran out of memory",
                hint='raise "container.memory", or take a smaller batch or model',
            )
        return ended_with(code)

    def _read(self) -> None:
        """Take the two streams apart."""
        with suppress(OSError):
            frames: Iterator[tuple[int, bytes]] = frames_iter_no_tty(self._socket)  # type: ignore[assignment]
            for stream, chunk in frames:
                (self._answers if stream == STDOUT else self._log).put(chunk)
        self._answers.put(None)
        self._log.put(None)
        self._socket.close()
        self._hijacked.close()

    def _watch(self, events: CancellableStream[dict[str, Any]]) -> None:
        """Note how the container ends; a container that removes itself can no longer be asked."""
        with suppress(*ENGINE_ERRORS, ValueError), closing(events):
            for event in events:
                match event["Action"]:
                    case "oom":
                        self._out_of_memory = True
                    case "kill":
                        self._killed = True
                    case "die":
                        self._exit_code = int(event["Actor"]["Attributes"]["exitCode"])
                        self._ended.set()
                    case "destroy":
                        break
        self._ended.set()
        self._reader.join()
        self._client.close()
