"""A worker in a container is talked to through two streams, and why it ended is said by its engine's own events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from benchy.errors import BenchyError, EngineLost, NotEnoughMemory, WorkerDied, WorkerError
from benchy.runtimes.docker.transport import ENGINE_ERRORS, DockerTransport, remove
from tests.runtimes.docker.scripted_engine import ID, VERSION, ScriptedEngine, event

DIED = event("die", exitCode="0"), event("destroy")


@contextmanager
def attached(engine: ScriptedEngine, *, is_limited: bool = False) -> Iterator[DockerTransport]:
    """Provide the host's end of the engine's container, which is told to leave afterwards."""
    transport = DockerTransport(engine.client, engine.container, is_limited=is_limited)
    try:
        yield transport
    finally:
        transport.close_input()
        assert transport.wait(30)
        transport.explain_end()  # it waits for what reads of the engine


def test_the_two_streams_are_taken_apart() -> None:
    frames = ((1, b'{"id"'), (2, b"a log\n"), (1, b": 1}\n"), (2, b"\xff\x00"), (1, b"x" * 100_000))
    with ScriptedEngine(frames=frames, events=DIED) as engine, attached(engine) as transport:
        engine.container.start()
        transport.close_input()
        assert b"".join(transport.answers()) == b'{"id": 1}\n' + b"x" * 100_000
        assert b"".join(transport.log()) == b"a log\n\xff\x00"
        assert transport.container_id == ID


def test_what_is_sent_is_its_input_and_the_end_of_it_is_said() -> None:
    with ScriptedEngine(events=DIED) as engine, attached(engine) as transport:
        transport.send(b"one\n")
        transport.send(b"two\n")
        assert not transport.wait(0)
        transport.close_input()
        assert list(transport.answers()) == []
        assert transport.wait(30)
        assert engine.written == b"one\ntwo\n"


def ended(events: tuple[dict[str, Any], ...], *, is_limited: bool = False) -> BenchyError:
    """Return what is said of a container that ended with these events."""
    with ScriptedEngine(events=events) as engine, attached(engine, is_limited=is_limited) as transport:
        transport.close_input()
        assert transport.wait(30)
        return transport.explain_end()


@pytest.mark.parametrize(
    ("events", "is_limited", "kind", "said"),
    [
        (DIED, False, WorkerDied, "the worker ended with exit code 0 before it answered"),
        ((event("die", exitCode="3"),), False, WorkerDied, "the worker ended with exit code 3 before it answered"),
        ((event("die", exitCode="139"),), False, WorkerDied, "the worker crashed with SIGSEGV"),
        ((event("die", exitCode="134"),), True, WorkerDied, "the worker crashed with SIGABRT"),
        ((event("die", exitCode="137"),), False, WorkerDied, "the worker was killed (signal 9)"),
        ((event("die", exitCode="137"),), True, NotEnoughMemory, "its container ran out of memory"),
        ((event("oom"), event("die", exitCode="137")), False, NotEnoughMemory, "its container ran out of memory"),
        ((event("die", exitCode="1"), event("oom"), event("destroy")), False, NotEnoughMemory, "ran out of memory"),
        ((event("kill"), event("die", exitCode="137")), True, WorkerDied, "the worker was killed (signal 9)"),
        ((), False, EngineLost, "the Docker engine went away while the worker was running"),
    ],
)
def test_why_it_ended_is_said(
    events: tuple[dict[str, Any], ...], is_limited: bool, kind: type[BenchyError], said: str
) -> None:
    error = ended(events, is_limited=is_limited)
    assert type(error) is kind
    assert said in error.message


NETWORKS: dict[str, object] = {"NetworkSettings": {"Networks": {"bridge": {}, "own": {}}}}


def test_it_is_cut_off_from_every_network() -> None:
    answers = {f"GET /containers/{ID}/json": (200, NETWORKS)}
    with ScriptedEngine(events=DIED, answers=answers) as engine, attached(engine) as transport:
        transport.go_offline()
        cut = [asked for asked in engine.seen if asked.endswith("/disconnect")]
        assert cut == ["POST /networks/bridge/disconnect", "POST /networks/own/disconnect"]


def test_a_worker_that_stays_connected_is_an_error() -> None:
    refused: dict[str, tuple[int, object]] = {
        f"GET /containers/{ID}/json": (200, NETWORKS),
        "POST /networks/bridge/disconnect": (500, {"message": "no such endpoint"}),
    }
    with (
        ScriptedEngine(events=DIED, answers=refused) as engine,
        attached(engine) as transport,
        pytest.raises(WorkerError) as failed,
    ):
        transport.go_offline()
    assert type(failed.value) is WorkerError
    assert failed.value.message.startswith("the worker's container cannot be cut off from the network: ")
    assert "no such endpoint" in failed.value.message
    assert failed.value.hint == '"container.sandbox: false" lets model code have the network'


def test_a_worker_that_ended_before_is_said_to_have_ended() -> None:
    answers = {f"GET /containers/{ID}/json": (404, {"message": "no such container"})}
    died = (event("die", exitCode="3"),)
    with ScriptedEngine(events=died, answers=answers) as engine, attached(engine) as transport:
        transport.close_input()
        assert transport.wait(30)
        with pytest.raises(WorkerDied, match="exit code 3"):
            transport.go_offline()


def test_a_killed_worker_is_removed_by_force() -> None:
    with ScriptedEngine(events=DIED) as engine, attached(engine) as transport:
        transport.close_input()
        assert transport.wait(30)
        transport.kill()
        assert f"DELETE /containers/{ID}" in engine.seen


def test_what_cannot_be_removed_any_more_is_no_failure() -> None:
    with ScriptedEngine(answers={f"DELETE /containers/{ID}": (409, {"message": "already in progress"})}) as engine:
        remove(engine.container)
        assert engine.seen == [f"DELETE /containers/{ID}"]
    with closing(docker.DockerClient(base_url="tcp://127.0.0.1:9", version=VERSION)) as gone:
        remove(Container(attrs={"Id": ID}, client=gone))


def test_an_engine_that_is_gone_is_an_error_of_the_engine() -> None:
    client = docker.DockerClient(base_url="tcp://127.0.0.1:9", version=VERSION)
    with closing(client) as gone, pytest.raises(ENGINE_ERRORS):
        DockerTransport(gone, Container(attrs={"Id": ID}, client=gone), is_limited=False)
