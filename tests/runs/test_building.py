"""Benchmarks are built in a worker of their own, which is told all and given nothing that it need not have."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchy.config import BenchmarkConfig, parse_config
from benchy.errors import EvaluationFailed, WorkerDied
from benchy.protocol import Build, Phase, Progress, decode_request, encode_event, encode_hello, encode_reply
from benchy.record import Built, Facts, MemoryEstimate
from benchy.runs.building import Builder
from benchy.runtimes.base import RunIdentity, Say
from benchy.runtimes.launch import WorkerLaunch
from benchy.runtimes.process import ProcessTransport
from benchy.runtimes.time_limits import TimeLimits

ANSWER = Built(benchmarks=(), data_sets={"org/data": "c0ffee"})
_PROGRAM = """
import pathlib, sys
print({hello!r}, flush=True)
hello, request = sys.stdin.readline(), sys.stdin.readline()
pathlib.Path(sys.argv[1]).write_text(request)
print("a line of the worker's", file=sys.stderr, flush=True)
print({event!r}, flush=True)
print({answer!r}, flush=True)
sys.stdin.read()
"""


class Scripted:
    """A runtime of another package: its workers give one answer, whatever they are asked."""

    has_own_packages = True

    def __init__(self, asked: Path, answer: bytes) -> None:
        self.asked = asked
        self.launches: list[WorkerLaunch] = []
        self.processes: list[subprocess.Popen[bytes]] = []
        self.code = _PROGRAM.format(
            hello=encode_hello().decode().strip(),
            event=encode_event(Phase(name="building")).decode().strip(),
            answer=answer.decode().strip(),
        )

    def available(self) -> bool:
        return True

    def start(self, launch: WorkerLaunch, run: RunIdentity, *, say: Say, wait: bool = True) -> ProcessTransport:
        say([f"started for {run.name}, {wait}"])
        self.launches.append(launch)
        pipe = subprocess.PIPE
        command = [sys.executable, "-I", "-S", "-c", self.code, str(self.asked)]
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
        self.processes.append(process)
        return ProcessTransport(process)

    def leases(self) -> Mapping[str, str]:
        return {}

    def end(self, flow_run_id: str) -> None:
        raise AssertionError(flow_run_id)


def configured(**sections: Any) -> BenchmarkConfig:
    return parse_config({"model": {"name": "org/m"}, "evaluation": {"tasks": "t"}} | sections, source="test")


class Site:
    """Where benchmarks are built."""

    def __init__(self, folder: Path, answer: bytes) -> None:
        self.folder = folder / "run"
        self.runtime = Scripted(folder / "asked", answer)
        self.said: list[str] = []
        self.events: list[Progress | Phase] = []

    def build(self, config: BenchmarkConfig, facts: Facts | None = None) -> Built:
        run = RunIdentity("a run", "0", self.folder)
        limits = TimeLimits(config.performance)
        builder = Builder(self.runtime, run, limits, self.said.extend, self.events.append)
        return builder.build(config, facts or Facts(), None)

    @property
    def request(self) -> Build:
        """What the worker was asked."""
        _, request = decode_request(self.runtime.asked.read_bytes())
        assert isinstance(request, Build)
        return request


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Provide one whose worker builds."""
    return Site(tmp_path, encode_reply(1, ANSWER))


def test_what_was_built_is_the_workers_answer(site: Site) -> None:
    assert site.build(configured()) == ANSWER
    assert site.events == [Phase(name="building")]
    assert site.said[0] == "started for a run, True"
    assert any("a line of the worker's" in line for line in site.said)
    assert (site.folder / "worker").is_dir()


def test_the_worker_is_told_the_config_and_the_models_length(site: Site) -> None:
    config = configured(model={"name": "org/m", "revision": "c0ffee"})
    memory = MemoryEstimate(**dict.fromkeys(MemoryEstimate.model_fields, 1) | {"length": 4096})
    site.build(config, Facts(memory=memory))
    assert (site.request.config, site.request.model_length, site.request.server_keys) == (config, 4096, {})
    site.build(config)
    assert site.request.model_length is None


def test_only_a_server_is_given_its_key(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted-openai-key")
    site.build(configured())
    assert site.request.server_keys == {}
    site.build(configured(model={"name": "m", "backend": "local-completions"}))
    assert site.request.server_keys == {"OPENAI_API_KEY": "planted-openai-key"}


def test_the_worker_has_no_gpu_and_no_model(site: Site) -> None:
    site.build(configured(gpus=[0, 1]))
    (launch,) = site.runtime.launches
    assert (launch.role, launch.gpus, launch.visible_gpus, launch.cache) == ("build", 0, 0, "read")


def test_the_worker_is_gone_afterwards(site: Site) -> None:
    site.build(configured())
    assert [process.poll() is not None for process in site.runtime.processes] == [True]


def test_what_is_wrong_with_a_benchmark_is_raised_here(tmp_path: Path) -> None:
    site = Site(tmp_path, encode_reply(1, EvaluationFailed("no such column", hint="mend it").to_data()))
    with pytest.raises(EvaluationFailed) as failed:
        site.build(configured())
    assert (failed.value.message, failed.value.hint) == ("no such column", "mend it")
    with pytest.raises(EvaluationFailed) as failed:
        site.build(configured(model={"name": "org/m", "trust_remote_code": True}))
    assert failed.value.message == 'the worker says: "no such column"', "code of the model may have written it"
    assert [process.poll() is not None for process in site.runtime.processes] == [True, True]


def test_a_worker_that_ends_without_an_answer_is_said(tmp_path: Path) -> None:
    site = Site(tmp_path, b"")
    site.runtime.code = "raise SystemExit(3)"
    with pytest.raises(WorkerDied, match="exit code 3"):
        site.build(configured())
