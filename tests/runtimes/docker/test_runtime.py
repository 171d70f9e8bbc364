"""The worker as a container of a real engine, with two fake GPUs."""

from __future__ import annotations

import gc
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from benchy.config import BenchmarkConfig, parse_config
from benchy.errors import (
    BenchyError,
    ContainerRefused,
    DiskFull,
    EngineLost,
    GpuBusy,
    GpuNotFound,
    ImageMissing,
    NoEngine,
    NoGpuSupport,
    NotEnoughMemory,
    WorkerDied,
)
from benchy.protocol import Evaluation, Fetch, ModelTest, Prepare
from benchy.runtimes.base import MustWait, RunIdentity
from benchy.runtimes.choose import choose_runtime, load_runtime
from benchy.runtimes.client import Worker
from benchy.runtimes.docker.engine import leased_gpus, start_container
from benchy.runtimes.docker.failures import name_refusal
from benchy.runtimes.docker.mounts import let_group_write
from benchy.runtimes.docker.options import GPUS_LABEL, RUN_LABEL, container_options
from benchy.runtimes.docker.runtime import DockerRuntime
from benchy.runtimes.docker.transport import DockerTransport
from benchy.runtimes.launch import Role, launch_of
from tests.commands import demo_settings
from tests.engine import Engine, NoEngineHere, host_volumes, import_worker_image, running_engine
from tests.fake_gpu_hook import UUIDS
from tests.hub.server import LoopbackHub
from tests.worker.answers.test_resumable_lm import count_lines
from tests.worker.evaluation.test_evaluate import DIFFERS, read_files, without
from tests.worker.tiny import write_logged_model, write_tasks


@pytest.fixture
def settings(docker_host: Engine, worker_image: str, tmp_path: Path) -> dict[str, Any]:
    """Return the demo in a container of this test's engine, on the CPU."""
    assert docker_host.process.poll() is None
    container = {"image": worker_image, "volumes": host_volumes(), "cache": f"cache-{tmp_path.name}"}
    return demo_settings(tmp_path, runtime="docker", container=container)


def on_gpus(settings: dict[str, Any], **changes: Any) -> BenchmarkConfig:
    evaluation = settings["evaluation"] | {"device": "cuda"}
    return parse_config(settings | {"evaluation": evaluation} | changes, source="test")


def with_container(settings: dict[str, Any], **container: Any) -> BenchmarkConfig:
    return parse_config(settings | {"container": settings["container"] | container}, source="test")


def start(config: BenchmarkConfig, tmp_path: Path, *, role: Role = "model", **options: Any) -> DockerTransport:
    run = RunIdentity(f"run-{tmp_path.name}", "00000000", tmp_path / "outputs" / "run")
    return DockerRuntime().start(launch_of(config, run.folder, role=role), run, **{"say": print} | options)


@contextmanager
def worker(transport: DockerTransport) -> Iterator[Worker]:
    with closing(Worker(transport, ignore_lines)) as started:
        yield started


def ignore_lines(_lines: list[str]) -> None:
    """Nobody reads."""


def ignore(_event: object) -> None:
    """Nobody looks on."""


def inside(engine: Engine, transport: DockerTransport, *command: str) -> tuple[int, str]:
    """Return the exit code and the output of a command in a worker's container."""
    code, output = engine.client.containers.get(transport.container_id).exec_run(list(command))
    assert isinstance(code, int)
    assert isinstance(output, bytes)
    return code, output.decode()


def test_the_worker_can_do_nothing_that_it_need_not(
    settings: dict[str, Any], docker_host: Engine, tmp_path: Path
) -> None:
    with worker(transport := start(parse_config(settings, source="test"), tmp_path)):
        _, status = inside(docker_host, transport, "cat", "/proc/self/status")
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert facts["Uid"].split()[0] == "10001"
        assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
        assert facts["NoNewPrivs"] == "1"
        for place, writable in (("/", False), ("/tmp", True), ("/cache", False)):  # noqa: S108
            code, _ = inside(docker_host, transport, "sh", "-c", f": > {place}/probe")
            assert (code == 0) is writable, place
        limits = docker_host.client.api.inspect_container(transport.container_id)["HostConfig"]
        assert limits["PidsLimit"] == 4096
        assert limits["ShmSize"] == 8 * 1024**3


def test_after_going_offline_nothing_can_be_reached(
    settings: dict[str, Any], docker_host: Engine, tmp_path: Path
) -> None:
    server = ThreadingHTTPServer((docker_host.gateway, 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connect = f"import socket; socket.create_connection(({docker_host.gateway!r}, {server.server_port}), 5)"
    try:
        with worker(transport := start(parse_config(settings, source="test"), tmp_path)) as started:
            code, said = inside(docker_host, transport, "python", "-c", connect)
            assert code == 0, said
            started.go_offline()
            code, said = inside(docker_host, transport, "python", "-c", connect)
            assert code == 1
            assert "unreachable" in said
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", [1, UUIDS[1]])
def test_a_run_pinned_to_gpu_1_sees_gpu_1_only(
    settings: dict[str, Any], docker_host: Engine, tmp_path: Path, name: int | str
) -> None:
    with worker(transport := start(on_gpus(settings, gpus=[name]), tmp_path)) as started:
        _, devices = inside(docker_host, transport, "sh", "-c", "echo /dev/nvidia[0-9]")
        assert devices.split() == ["/dev/nvidia1"]
        assert leased_gpus(docker_host.client) == {UUIDS[1]: f"run-{tmp_path.name}"}
        with pytest.raises(GpuNotFound, match="finds no CUDA device"):  # its own check passed; torch's is next
            started.request(Prepare(config=on_gpus(settings, gpus=[name])), ignore)


def test_what_nvidias_hook_does_to_the_root_works_though_the_container_cannot_write_there(
    settings: dict[str, Any], docker_host: Engine, tmp_path: Path
) -> None:
    """It runs before the root is made read-only, and with its own capabilities."""
    with worker(transport := start(on_gpus(settings, gpus=[0]), tmp_path)):
        require_what_a_gpu_container_has(docker_host, transport)


def require_what_a_gpu_container_has(engine: Engine, transport: DockerTransport) -> None:
    """Require a root that is read-only, and yet has what the hook wrote, made and mounted there."""
    facts = (
        "test -s /etc/ld.so.cache && echo cache; test -c /dev/nvidiactl && test -c /dev/nvidia-uvm && echo nodes;"
        " (: > /etc/probe) || echo closed; cat /proc/mounts"
    )
    _, said = inside(engine, transport, "sh", "-c", facts)
    assert {"cache", "nodes", "closed"} <= set(said.splitlines())
    (tool,) = (line.split() for line in said.splitlines() if " /usr/bin/nvidia-smi " in line)
    assert "ro" in tool[3].split(",")


def test_a_number_of_gpus_takes_the_free_one(settings: dict[str, Any], docker_host: Engine, tmp_path: Path) -> None:
    docker_host.hold_memory(gpu0=(4242, "python", 20_000))
    with worker(start(on_gpus(settings, performance={"num_gpus": 1}), tmp_path)):
        assert list(leased_gpus(docker_host.client)) == [UUIDS[1]]


def test_a_container_whose_maker_was_killed_before_it_started_it_holds_no_gpu(
    docker_host: Engine, worker_image: str
) -> None:
    labels = {GPUS_LABEL: UUIDS[0], RUN_LABEL: "killed"}
    container = docker_host.client.containers.create(worker_image, ["sleep", "60"], labels=labels)
    assert leased_gpus(docker_host.client) == {}
    container.start()
    assert leased_gpus(docker_host.client) == {UUIDS[0]: "killed"}


def test_gpus_that_the_engine_did_not_pin_are_found_out_inside(
    settings: dict[str, Any], docker_host: Engine, tmp_path: Path
) -> None:
    """Podman's API takes a device request and ignores it."""
    config = on_gpus(settings, gpus=[1])
    options = container_options(
        launch_of(config, tmp_path, role="model"),
        RunIdentity("r", "0", tmp_path),
        image_id=config.container.image,
        gpu_uuids=[UUIDS[1]],
        host={},
        host_memory=8 * 1024**3,
        gid=0,
        working_dir="/",
    )
    with (
        worker(start_container(docker_host.client, options)) as started,
        pytest.raises(GpuNotFound, match=f"was to get {UUIDS[1]} but got no GPU"),
    ):
        started.request(Prepare(config=config), ignore)


def test_a_second_run_waits_for_the_gpu_of_the_first(
    settings: dict[str, Any], docker_host: Engine, tmp_path: Path
) -> None:
    config = on_gpus(settings, gpus=[0])
    said: list[str] = []
    started: list[DockerTransport] = []
    waiting = threading.Event()

    def say(lines: list[str]) -> None:
        said.extend(lines)
        waiting.set()

    def second() -> None:
        started.append(start(config, tmp_path, say=say))

    with worker(first := start(config, tmp_path)):
        with pytest.raises(MustWait):
            start(config, tmp_path, wait=False)
        thread = threading.Thread(target=second, daemon=True)
        thread.start()
        assert waiting.wait(60)
        assert not started
    thread.join(60)
    assert said == [f"waiting for {UUIDS[0]}, which run run-{tmp_path.name} has"]
    with worker(started[0]):
        assert first.container_id != started[0].container_id
    assert docker_host.is_empty_within(15)


@pytest.mark.parametrize(
    ("changes", "held", "kind", "message"),
    [
        ({"gpus": [7]}, {}, GpuNotFound, "GPU 7 not found; this host has 0, 1"),
        ({"gpus": [1]}, {"gpu1": (4242, "python", 9000)}, GpuBusy, r"process 4242 \(python, 9,000 MiB\)"),
    ],
)
def test_a_gpu_that_cannot_be_had_is_named(
    settings: dict[str, Any],
    docker_host: Engine,
    tmp_path: Path,
    changes: dict[str, Any],
    held: dict[str, Any],
    kind: type[BenchyError],
    message: str,
) -> None:
    docker_host.hold_memory(**held)
    with pytest.raises(kind, match=message):
        start(on_gpus(settings, **changes), tmp_path)


def test_a_driver_that_fails_in_the_container_is_said_in_its_words(
    settings: dict[str, Any], docker_host: Engine, tmp_path: Path
) -> None:
    docker_host.fail_driver("Failed to initialize NVML: Unknown Error")
    with pytest.raises(NoGpuSupport, match="gave no GPU: Failed to initialize NVML: Unknown Error") as failed:
        start(on_gpus(settings, gpus=[0]), tmp_path)
    assert "no-cgroups" in failed.value.hint
    assert docker_host.containers() == []


def test_an_image_that_was_not_built_says_how_to_build_it(settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ImageMissing) as failed:
        start(with_container(settings, image="nobody/built:1"), tmp_path)
    assert failed.value.hint == "build it: `docker build -f Dockerfile.gpu -t nobody/built:1 .`"


def test_what_the_engine_refuses_is_said_in_its_words(
    settings: dict[str, Any], docker_host: Engine, tmp_path: Path
) -> None:
    with pytest.raises(ContainerRefused, match="bind source path does not exist: /nowhere"):
        start(with_container(settings, volumes=["/nowhere:/mnt"]), tmp_path)
    assert docker_host.is_empty_within(15)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the SDK leaks the socket of a try in vain
def test_without_an_engine_docker_is_an_error_and_the_default_is_a_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    settings = demo_settings(tmp_path) | {"gpus": [0]}
    settings["evaluation"]["device"] = "cuda"
    assert choose_runtime(parse_config(settings, source="test")) == "process"
    with pytest.raises(NoEngine, match="no Docker engine answers at unix://"):
        start(parse_config(settings | {"runtime": "docker"}, source="test"), tmp_path)
    gc.collect()  # here, and not in a later test


@pytest.mark.usefixtures("docker_host")
def test_an_engine_makes_docker_the_default_for_gpus(tmp_path: Path) -> None:
    settings = demo_settings(tmp_path)
    assert choose_runtime(parse_config(settings, source="test")) == "process"
    settings["evaluation"]["device"] = "cuda"
    assert choose_runtime(parse_config(settings | {"gpus": [0]}, source="test")) == "docker"
    assert isinstance(load_runtime("docker"), DockerRuntime)


def test_a_worker_that_the_kernel_killed_for_memory_says_so(settings: dict[str, Any], tmp_path: Path) -> None:
    config = with_container(settings, memory="100m")
    with worker(start(config, tmp_path)) as started, pytest.raises(NotEnoughMemory, match="ran out of memory"):
        started.request(Prepare(config=config), ignore)


def test_the_container_leaves_when_nobody_holds_its_stdin(settings: dict[str, Any], tmp_path: Path) -> None:
    transport = start(parse_config(settings, source="test"), tmp_path)
    with worker(transport):
        transport.close_input()
        assert transport.wait(30)
    assert transport.explain_end().message == "the worker ended with exit code 0 before it answered"


@pytest.fixture
def engine_without_gpus(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Another engine, which may be killed."""
    try:
        with running_engine(gpus=False) as started:
            settings["container"]["image"] = import_worker_image(started)
            monkeypatch.setenv("DOCKER_HOST", started.address)
            yield started
    except NoEngineHere as reason:
        pytest.skip(f"no Docker engine for the tests: {reason}")


def test_an_engine_without_gpus_and_one_that_goes_away_are_named(
    engine_without_gpus: Engine, settings: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(NoGpuSupport, match="could not select device driver") as refused:
        start(on_gpus(settings, gpus=[0]), tmp_path)
    assert "nvidia-ctk" in refused.value.hint
    with pytest.raises(NoGpuSupport, match=r"cdi|CDI") as refused:
        start(on_gpus(settings, gpus=["nvidia.com/gpu=0"]), tmp_path)
    assert "CDI" in refused.value.hint
    assert engine_without_gpus.containers() == []
    with worker(start(parse_config(settings, source="test"), tmp_path)) as started:
        engine_without_gpus.process.kill()
        with pytest.raises(EngineLost) as lost:
            started.request(ModelTest(), ignore)
    assert lost.value.transient
    assert isinstance(name_refusal(requests.ConnectionError()), EngineLost)  # as it is seen from a run that waits


def point_at(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "HF_HUB_DISABLE_XET", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, hub.environment(Path())[name])


def test_weights_are_fetched_once_for_all_runs_and_the_token_is_nowhere_to_be_seen(
    settings: dict[str, Any],
    docker_host: Engine,
    at_repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings["model"] = {"name": "org/tiny"}
    config = parse_config(settings, source="test")
    with LoopbackHub(docker_host.gateway, docker_host.other_address) as hub:
        repository = hub.add_repository("org/tiny", at_repository / "configs" / "demo" / "model")
        repository.private = True
        repository.accepted.add("reader")
        point_at(hub, monkeypatch)
        token = hub.add_user("reader")
        request = Fetch(config=config, token=token)
        log: list[str] = []
        with (
            closing(Worker(first := start(config, tmp_path, role="fetch"), log.extend)) as one,
            closing(Worker(start(config, tmp_path, role="fetch"), log.extend)) as other,
        ):
            one.send(request)
            other.send(request)
            fetched = one.receive(request, ignore)
            assert fetched.commit == other.receive(request, ignore).commit == repository.head
            weights = (at_repository / "configs" / "demo" / "model" / "model.safetensors").stat().st_size
            assert weights <= hub.content_bytes < 2 * weights
            shown = json.dumps(docker_host.client.api.inspect_container(first.container_id))
            _, processes = inside(docker_host, first, "sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ")
            assert "benchy.worker" in processes
            for place in (shown, processes, "".join(log)):
                assert token not in place
        with closing(Worker(transport := start(config, tmp_path), log.extend)) as model:
            bytes_before = hub.content_bytes
            prepared = model.request(Prepare(config=config, fetched=fetched), ignore)
            assert prepared.model.commit == repository.head
            assert model.request(ModelTest(), ignore).parameters
            assert hub.content_bytes == bytes_before
            code, _ = inside(
                docker_host, transport, "sh", "-c", "echo poison > /cache/huggingface/hub/models--org--tiny/x"
            )
            assert code != 0


def test_a_full_cache_volume_is_named(
    settings: dict[str, Any], docker_host: Engine, at_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings["model"] = {"name": "org/tiny"}
    size = {"type": "tmpfs", "device": "tmpfs", "o": "size=200k,uid=10001"}
    docker_host.client.volumes.create(settings["container"]["cache"], driver="local", driver_opts=size)
    config = parse_config(settings, source="test")
    with LoopbackHub(docker_host.gateway, docker_host.other_address) as hub:
        hub.add_repository("org/tiny", at_repository / "configs" / "demo" / "model")
        point_at(hub, monkeypatch)
        with worker(start(config, tmp_path, role="fetch")) as started, pytest.raises(DiskFull):
            started.request(Fetch(config=config), ignore)


BATCH = 4


@pytest.fixture
def logged(settings: dict[str, Any], tmp_path: Path) -> tuple[BenchmarkConfig, Path]:
    """Return an evaluation of a second or two in a container, and the file to which its model writes every prompt."""
    (log := tmp_path / "forward" / "log").parent.mkdir(mode=0o777)
    log.touch()
    let_group_write(log.parent)
    settings["container"]["volumes"].append(f"{log.parent}:/forward")
    model = write_logged_model(tmp_path / "model")
    (model / "model.safetensors").chmod(0o644)
    settings["model"] = {"name": str(model), "trust_remote_code": True, "backend": "hf-stock"}
    settings["evaluation"] |= {
        "tasks": "tiny,tiny_sampled,tiny_rolling",
        "include_path": str(write_tasks(tmp_path / "tasks", documents=16)),
        "batch_size": BATCH,
    }
    return parse_config(settings, source="test"), log


def test_an_evaluation_whose_container_is_killed_goes_on_in_a_new_one_with_the_same_scores_and_samples(
    logged: tuple[BenchmarkConfig, Path], docker_host: Engine, tmp_path: Path
) -> None:
    """At random moments; tests/worker/answers/test_resumable_lm.py does the same to processes."""
    config, log = logged
    undisturbed, evaluation = (
        Evaluation(run_folder=str(tmp_path / "outputs" / "run" / "worker" / name)) for name in ("undisturbed", "killed")
    )
    with prepared_worker(config, tmp_path) as first:
        expected = first[1].request(undisturbed, ignore)
        prompts = count_lines(log)
        moments = sorted(random.sample(range(1, prompts // 2), 5))
        print(f"killed after {moments} of {prompts} prompts")  # noqa: T201 - shown if the test fails
        log.write_text("")
        kill_in_mid_evaluation(docker_host, first, evaluation, log, moments[0])
    for moment in moments[1:]:
        with prepared_worker(config, tmp_path) as another:
            kill_in_mid_evaluation(docker_host, another, evaluation, log, moment)
    with prepared_worker(config, tmp_path) as last:
        result = last[1].request(evaluation, ignore)

    assert prompts <= count_lines(log) <= prompts + len(moments) * BATCH
    assert result.requests == expected.requests
    assert result.resumed_requests > 0 == expected.resumed_requests
    assert result.benchmarks[0].metrics == expected.benchmarks[0].metrics
    (results, samples), (expected_results, expected_samples) = (
        read_files(Path(request.run_folder)) for request in (evaluation, undisturbed)
    )
    assert samples == expected_samples
    assert without(results, DIFFERS) == without(expected_results, DIFFERS)


@contextmanager
def prepared_worker(config: BenchmarkConfig, tmp_path: Path) -> Iterator[tuple[DockerTransport, Worker]]:
    with worker(transport := start(config, tmp_path)) as started:
        started.request(Prepare(config=config), ignore)
        yield transport, started


def kill_in_mid_evaluation(
    engine: Engine, prepared: tuple[DockerTransport, Worker], evaluation: Evaluation, log: Path, prompts: int
) -> None:
    """Kill the container once the model has computed so many prompts in all."""
    transport, started = prepared
    started.send(evaluation)
    while count_lines(log) < prompts:
        time.sleep(0.001)
    engine.client.containers.get(transport.container_id).kill()
    with pytest.raises(WorkerDied, match="signal 9") as died:
        started.receive(evaluation, ignore)
    assert died.value.transient
