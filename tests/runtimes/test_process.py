"""The worker as a child process: its command line, its environment, its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from benchy.config import BenchmarkConfig, parse_config
from benchy.errors import WorkerDied, WorkerError
from benchy.runtimes.choose import choose_runtime, load_runtime
from benchy.runtimes.launch import Role
from benchy.runtimes.process import ProcessRuntime, ProcessTransport, worker_environment
from tests.commands import is_running, kill
from tests.runtimes import A_RUN, launch


def config(**sections: Any) -> BenchmarkConfig:
    data = {"model": {"name": "a/b"}, "evaluation": {"tasks": "x", "device": "cpu"}} | sections
    return parse_config(data, source="test")


ON_GPUS = {"evaluation": {"tasks": "x"}}


def test_one_process_by_default() -> None:
    assert launch(config()).arguments == ("-P", "-m", "benchy.worker")


def test_accelerate_starts_one_process_a_gpu() -> None:
    performance = {"use_accelerate": True, "num_gpus": 2, "mixed_precision": "bf16"}
    command = launch(config(performance=performance)).arguments
    assert command[1:3] == ("-m", "accelerate.commands.launch")
    assert command[command.index("--num_processes") + 1] == "2"
    assert command[command.index("--mixed_precision") + 1] == "bf16"
    assert "--multi_gpu" in command
    assert command[-2:] == ("--module", "benchy.worker")


@pytest.mark.parametrize("role", ["fetch", "publish"])
def test_a_worker_without_the_model_needs_neither_accelerate_nor_gpus(role: Role) -> None:
    both = config(performance={"use_accelerate": True, "num_gpus": 2})
    assert launch(both, role=role).arguments == ("-P", "-m", "benchy.worker")
    assert worker_environment(launch(both, role=role), {"CUDA_VISIBLE_DEVICES": "0"})["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.parametrize(
    ("sections", "host", "visible"),
    [
        ({"gpus": [1, 3]}, {}, "1,3"),
        ({"gpus": ["GPU-8f2c"]}, {"CUDA_VISIBLE_DEVICES": "5"}, "GPU-8f2c"),
        ({"performance": {"num_gpus": 2}}, {}, "0,1"),
        ({"performance": {"num_gpus": 2}}, {"CUDA_VISIBLE_DEVICES": "4,5"}, "4,5"),
        ({}, {"CUDA_VISIBLE_DEVICES": "4"}, "4"),
        ({}, {}, None),
    ],
)
def test_the_worker_sees_the_configured_gpus(
    sections: dict[str, Any], host: dict[str, str], visible: str | None
) -> None:
    environment = worker_environment(launch(config(**ON_GPUS | sections), role="model"), host)
    assert environment.get("CUDA_VISIBLE_DEVICES") == visible


HARMLESS = {
    "PATH": "/bin",
    "HF_HOME": "/hf",
    "LC_ALL": "C",
    "NCCL_DEBUG": "INFO",
    "https_proxy": "p",
    "TOKENIZERS_X": "1",
}


def test_the_worker_sees_of_the_environment_what_is_on_a_list_and_what_the_config_names() -> None:
    secrets = ("PREFECT_API_KEY", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "MY_DATABASE", "HF_TOKEN", "VLLM_API_KEY")
    host = HARMLESS | dict.fromkeys(secrets, "secret")
    environment = worker_environment(launch(config(), role="model"), host)
    assert environment == HARMLESS | {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
    named = worker_environment(launch(config(environment=["MY_DATABASE"]), role="model"), host)
    assert named == environment | {"MY_DATABASE": "secret"}


@pytest.mark.parametrize("upload", [{"to": "board"}, {"to": "hf://datasets/org/board", "token_env": "BOARD_TOKEN"}])
def test_no_workers_environment_holds_a_token(upload: dict[str, str]) -> None:
    host = {"HF_TOKEN": "read", "WANDB_API_KEY": "write", "HF_UPLOAD_TOKEN": "write"} | {
        upload.get("token_env", "HF_UPLOAD_TOKEN"): "write"
    }
    roles: tuple[Role, ...] = ("model", "fetch", "publish")
    for role in roles:
        environment = worker_environment(launch(config(upload=upload, **ON_GPUS), role=role), host)
        assert set(environment) <= {"CUDA_VISIBLE_DEVICES", "HF_HUB_DISABLE_IMPLICIT_TOKEN"}


def test_the_process_runtime_is_the_default() -> None:
    assert isinstance(load_runtime(choose_runtime(config())), ProcessRuntime)


@pytest.fixture
def transport() -> Iterator[ProcessTransport]:
    """Provide a started worker; its pipes are closed at the end, as the host's reading threads do it."""
    started = ProcessRuntime().start(launch(config(), role="model"), A_RUN, say=print)
    yield started
    started.close_input()
    started.kill()
    for stream in (started.answers(), started.log()):
        list(stream)


def test_a_worker_leaves_when_its_input_ends(transport: ProcessTransport) -> None:
    transport.close_input()
    assert transport.wait(60)
    assert "exit code 0" in transport.explain_end().message


def test_a_killed_worker_is_named_as_killed(transport: ProcessTransport) -> None:
    kill(transport.pid)
    assert transport.wait(60)
    error = transport.explain_end()
    assert isinstance(error, WorkerDied)
    assert "signal 9" in error.message
    assert "memory" in error.hint
    assert error.transient


def test_kill_ends_the_whole_group_and_may_be_repeated(transport: ProcessTransport) -> None:
    transport.kill()
    transport.kill()
    assert not is_running(transport.pid)


@pytest.mark.parametrize("ends", ["sys.exit(0)", "os.kill(os.getpid(), 9)"])
def test_what_a_worker_started_ends_with_it(ends: str) -> None:
    starts = "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdout=2)"
    code = f"import os, subprocess, sys; {starts}; print(child.pid, flush=True); {ends}"
    without = replace(launch(config(), role="model"), arguments=("-c", code))
    started = ProcessRuntime().start(without, A_RUN, say=print)
    child = int(b"".join(started.answers()))
    started.close_input()
    assert started.wait(60)
    list(started.log())  # which the child held open, and closes a moment before it is gone
    deadline = time.monotonic() + 30
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(child)


def test_a_python_that_is_gone_is_a_worker_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(WorkerError, match="cannot be started"):
        ProcessRuntime().start(launch(config(), role="model"), A_RUN, say=print)
