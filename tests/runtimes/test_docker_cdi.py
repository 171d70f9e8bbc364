"""GPUs by their CDI names, on an engine of Debian's next release: this release's has no CDI.

The spec of the fake GPUs has what ``nvidia-ctk cdi generate`` writes into one: device nodes, mounts and hooks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from docker.errors import APIError

from benchy.config import BenchmarkConfig
from benchy.errors import GpuNotFound
from benchy.protocol import Prepare
from benchy.runtimes.base import RunIdentity
from benchy.runtimes.docker.engine import leased_gpus, start_container
from benchy.runtimes.docker.failures import name_refusal
from benchy.runtimes.docker.options import container_options
from benchy.runtimes.launch import launch_of
from tests.commands import demo_settings
from tests.debian import NotInstallable, unpack_newer
from tests.engine import Engine, NoEngineHere, host_volumes, import_worker_image, install_hook, running_engine
from tests.fake_gpu_hook import SHARED_NODES, UUIDS, write_nvidia_smi
from tests.runtimes.docker.test_runtime import ignore, inside, on_gpus, require_what_a_gpu_container_has, start, worker

MOUNTED = ["ro", "nosuid", "nodev", "bind"]


@pytest.fixture(scope="module")
def newer_engine(engine: Engine) -> Iterator[Engine]:
    """Provide an engine with CDI, beside this release's; skips, with the reason, where none can be had."""
    assert engine.process.poll() is None  # what both need is installed
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="benchy-newer-")))  # 300 MB
        try:
            started = stack.enter_context(running_newer_engine(folder))
        except (NotInstallable, NoEngineHere) as reason:
            pytest.skip(f"no newer Docker engine for the tests: {reason}")
        import_worker_image(started)
        yield started


def running_newer_engine(folder: Path) -> AbstractContextManager[Engine]:
    unpack_newer(["docker.io", "containerd", "tini"], folder)  # not runc, which needs a newer C library
    (folder / "cdi").mkdir()
    (folder / "cdi" / "nvidia.json").write_text(json.dumps(cdi_spec(folder)))
    return running_engine(
        gpus=False,
        programs=[folder / "usr" / "bin", folder / "usr" / "sbin"],
        settings={"features": {"cdi": True}, "cdi-spec-dirs": [str(folder / "cdi")]},
    )


def cdi_spec(folder: Path) -> dict[str, Any]:
    """Return the two fake GPUs, each by index and UUID, and both."""
    tool = write_nvidia_smi(folder / "nvidia-smi", {})
    install_hook(hook := folder / "nvidia-cdi-hook")
    gpus = {str(index): [index] for index in range(len(UUIDS))} | {uuid: [i] for i, uuid in enumerate(UUIDS)}
    gpus["all"] = list(range(len(UUIDS)))
    return {
        "cdiVersion": "0.5.0",
        "kind": "nvidia.com/gpu",
        "devices": [
            {"name": name, "containerEdits": {"deviceNodes": [node(f"nvidia{i}", 195, i) for i in indices]}}
            for name, indices in gpus.items()
        ],
        "containerEdits": {
            "deviceNodes": [node(name, *numbers) for name, numbers in SHARED_NODES.items()],
            "env": ["NVIDIA_VISIBLE_DEVICES=void"],
            "mounts": [{"hostPath": str(tool), "containerPath": "/usr/bin/nvidia-smi", "options": MOUNTED}],
            "hooks": [{"hookName": "createContainer", "path": str(hook), "args": [hook.name, "update-ldcache"]}],
        },
    }


def node(name: str, major: int, minor: int) -> dict[str, Any]:
    return {"path": f"/dev/{name}", "type": "c", "major": major, "minor": minor, "fileMode": 0o666}


@pytest.fixture
def settings(newer_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Provide the demo in a container of the newer engine."""
    monkeypatch.setenv("DOCKER_HOST", newer_engine.address)
    monkeypatch.setenv("HF_ENDPOINT", f"http://{newer_engine.gateway}:9")
    yield demo_settings(
        tmp_path, runtime="docker", container={"image": "benchy-tests:worker", "volumes": host_volumes()}
    )
    assert newer_engine.is_empty_within(15)


def test_a_run_pinned_to_a_cdi_device_sees_that_gpu_only_and_its_lease_names_it(
    settings: dict[str, Any], newer_engine: Engine, tmp_path: Path
) -> None:
    config = on_gpus(settings, gpus=["nvidia.com/gpu=1"])
    with worker(transport := start(config, tmp_path)) as started:
        require_what_a_gpu_container_has(newer_engine, transport)  # a createContainer hook runs in time, too
        _, devices = inside(newer_engine, transport, "sh", "-c", "echo /dev/nvidia[0-9]; (: < /dev/nvidia1)")
        assert devices.split()[0] == "/dev/nvidia1"
        assert "not permitted" not in devices  # no driver is behind it, but a user without capabilities may open it
        assert leased_gpus(newer_engine.client) == {UUIDS[1]: f"run-{tmp_path.name}"}
        with pytest.raises(GpuNotFound, match="finds no CUDA device"):  # its own check passed; torch's is next
            started.request(Prepare(config=config), ignore)


def test_a_cdi_device_that_is_not_there_is_named(
    settings: dict[str, Any], newer_engine: Engine, tmp_path: Path
) -> None:
    config = on_gpus(settings, gpus=["nvidia.com/gpu=7"])
    with pytest.raises(GpuNotFound, match=r"GPU nvidia\.com/gpu=7 not found; this host has 0, 1"):
        start(config, tmp_path)
    with pytest.raises(APIError) as refused:
        start_cdi_container(newer_engine, config, tmp_path)
    error = name_refusal(refused.value)
    assert isinstance(error, GpuNotFound)
    assert error.message.endswith("CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=7")


def start_cdi_container(engine: Engine, config: BenchmarkConfig, tmp_path: Path) -> None:
    options = container_options(
        launch_of(config, tmp_path, role="model"),
        RunIdentity("r", "0", tmp_path),
        image_id=config.container.image,
        gpu_ids=[str(gpu) for gpu in config.gpus or ()],
        host={},
        host_memory=8 * 1024**3,
        gid=0,
        working_dir="/",
    )
    start_container(engine.client, options)
