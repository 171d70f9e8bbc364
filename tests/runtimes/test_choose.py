"""Where a run's workers run is chosen once, whatever starts or ends on this machine meanwhile."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchy.config import BenchmarkConfig, parse_config
from benchy.record import Facts, read_record
from benchy.runs.opening import open_run
from benchy.runtimes.choose import choose_runtime
from benchy.runtimes.process import ProcessRuntime
from tests.commands import REPOSITORY, benchy, demo_settings, only_record, write_config

_VERSION = json.dumps({"ApiVersion": "1.47", "MinAPIVersion": "1.24", "Version": "27"}).encode()


class LateEngine:
    """What answers as a Docker engine does from the second time that it is asked: it started meanwhile."""

    def __init__(self, path: Path) -> None:
        self.address = f"unix://{path}"
        self.asked = 0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> LateEngine:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                self.asked += 1
                if self.asked > 1 and client.recv(1 << 16):
                    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(_VERSION)}\r\nConnection: close\r\n\r\n"
                    client.sendall(head.encode() + _VERSION)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LateEngine]:
    with LateEngine(tmp_path / "docker.sock") as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        yield engine


ON_A_GPU: dict[str, Any] = {"performance": {"num_gpus": 1}, "evaluation": {"device": "cpu:0", "limit": 2}}
"""Asks for a GPU, and computes on the CPU."""


def test_an_engine_that_starts_in_the_middle_of_a_run_changes_nothing_in_it(engine: LateEngine, tmp_path: Path) -> None:
    """The publishing worker asked anew: it was to run in a container, and there was no image."""
    done = benchy("run", write_config(tmp_path, **ON_A_GPU), cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr
    record = only_record(tmp_path)
    assert (record.runtime, record.status) == ("process", "published")
    assert engine.asked == 1
    assert choose_runtime(_config(tmp_path)) == "docker", "for the next run it is there"


def _config(folder: Path, **changes: Any) -> BenchmarkConfig:
    return parse_config(demo_settings(folder, **ON_A_GPU, **changes), source="test")


def test_a_run_that_goes_on_stays_where_it_ran_and_says_so(engine: LateEngine, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_run(_config(tmp_path), Facts(), flow_run_id="12345678-a"):
        raise KeyboardInterrupt
    assert choose_runtime(_config(tmp_path)) == "docker"
    with open_run(_config(tmp_path), Facts(), flow_run_id="12345678-a") as run:
        assert isinstance(run.runtime, ProcessRuntime)
    assert engine.asked == 2
    assert "Its runtime is process\n" in run.log.path.read_text("utf-8")
    assert read_record(run.folder).runtime == "process"


def test_a_runtime_that_the_config_names_since_is_taken_and_the_one_before_it_is_told(
    engine: LateEngine, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt), open_run(_config(tmp_path), Facts(), flow_run_id="12345678-a"):
        raise KeyboardInterrupt
    mended = _config(tmp_path, runtime="docker")
    with open_run(mended, Facts(), flow_run_id="12345678-a") as run:
        assert read_record(run.folder).runtime == "docker"
    assert "Its runtime is docker; before it was process\n" in run.log.path.read_text("utf-8")
    assert engine.asked == 1
