"""What ``Dockerfile.gpu`` makes: the GPU worker's image and the orchestrator's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchy import __version__
from benchy.config import ContainerConfig
from benchy.errors import GpuNotFound
from benchy.record import RunRecord
from benchy.runtimes.docker.engine import build_command
from tests.commands import REPOSITORY, benchy, copy_repository, only_record, write_config
from tests.engine import Engine
from tests.fake_gpu_hook import UUIDS
from tests.image import BUILDING, REVISION, build


def python_in(engine: Engine, image: str, code: str, **options: Any) -> str:
    """Run a program in a container as the runtime does: nothing can be written but /tmp, and there is no network."""
    closed: dict[str, Any] = {"read_only": True, "tmpfs": {"/tmp": ""}, "network_mode": "none", "remove": True}  # noqa: S108
    output: bytes = engine.client.containers.run(image, ["python", "-c", code], **(closed | options))
    return output.decode().strip()


def test_the_files_name_the_version_and_the_build_command_of_the_package() -> None:
    dockerfile = (REPOSITORY / "Dockerfile.gpu").read_text("utf-8")
    assert f"#   {build_command(ContainerConfig().image)} " in dockerfile
    assert set(re.findall(r"ARG VERSION=(\S+)", dockerfile)) == {__version__}
    compose = (REPOSITORY / "docker-compose.yml").read_text("utf-8")
    assert set(re.findall(r"image: benchy-\w+:(\S+)", compose)) == {__version__}


def test_vllm_comes_with_the_harness_and_the_torch_of_every_other_run() -> None:
    """Else its scores could not be compared, and its image would hold torch's libraries twice."""
    ours, vllm = (_pinned(name) for name in ("constraints.txt", "constraints-vllm.txt"))
    for name in ("lm_eval", "torch", "datasets", "accelerate", "nvidia-ml-py"):
        assert vllm[name] == ours[name]
    assert "vllm" in vllm


def _pinned(file: str) -> dict[str, str]:
    lines = (REPOSITORY / file).read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


@BUILDING
def test_the_demo_in_the_image_on_one_gpu_scores_as_in_a_child_process(
    docker_host: Engine, gpu_image: str, tmp_path: Path
) -> None:
    """The GPU is a fake: the container gets it, the worker checks that, and the model computes on the CPU."""
    container = {"image": gpu_image, "cache": f"cache-{tmp_path.name}"}
    on_gpu_1: dict[str, Any] = {"gpus": [1], "container": container, "evaluation": {"device": "cpu:0"}}
    in_container = run_demo(tmp_path / "docker", runtime="docker", **on_gpu_1)
    in_process = run_demo(tmp_path / "process", runtime="process")
    assert in_container.environment is not None
    assert in_container.environment.image == docker_host.client.images.get(gpu_image).id
    assert in_container.environment.pinned_gpus == (UUIDS[1],)
    assert in_container.evaluation is not None
    assert in_process.evaluation is not None
    assert [found.metrics for found in in_container.evaluation.benchmarks] == [
        found.metrics for found in in_process.evaluation.benchmarks
    ]
    run_folder = tmp_path / "docker" / "outputs" / in_container.run_name
    for benchmark in in_container.evaluation.benchmarks:
        assert (run_folder / str(benchmark.samples_file)).stat().st_size > 0
    assert "Loaded" in Path(in_container.log_file).read_text()
    assert (tmp_path / "docker" / "leaderboard" / "leaderboard.csv").is_file()
    assert docker_host.is_empty_within(15)


def run_demo(folder: Path, **changes: Any) -> RunRecord:
    """``benchy run`` in a new folder."""
    folder.mkdir()
    done = benchy("run", write_config(folder, **changes), cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    return only_record(folder)


@BUILDING
def test_a_run_pinned_to_a_gpu_that_is_not_here_fails_with_the_named_error(
    docker_host: Engine, gpu_image: str, tmp_path: Path
) -> None:
    gpu_7: dict[str, Any] = {"evaluation": {"device": "cuda"}, "gpus": [7], "container": {"image": gpu_image}}
    done = benchy("run", write_config(tmp_path, runtime="docker", **gpu_7), cwd=REPOSITORY)
    assert done.returncode == GpuNotFound.exit_code
    assert "GpuNotFound: GPU 7 not found; this host has 0, 1" in done.stderr
    assert docker_host.containers() == []


@BUILDING
def test_the_images_say_what_they_are_and_their_user_is_not_root(
    engine: Engine, gpu_image: str, orchestrator_image: str
) -> None:
    for image in (gpu_image, orchestrator_image):
        labels = engine.client.images.get(image).labels
        assert labels["org.opencontainers.image.version"] == __version__
        assert labels["org.opencontainers.image.revision"] == REVISION
        assert python_in(engine, image, "import os; print(os.getuid(), os.stat('/cache').st_uid)") == "10001 10001"


@BUILDING
@pytest.mark.parametrize(
    ("fixture", "present", "absent"),
    [("gpu_image", ["torch", "lm_eval"], ["prefect"]), ("orchestrator_image", ["prefect", "docker"], ["torch"])],
)
def test_each_image_holds_what_it_needs_and_no_more(
    engine: Engine, request: pytest.FixtureRequest, fixture: str, present: list[str], absent: list[str]
) -> None:
    code = f"import importlib.util as i, json; print(json.dumps([n for n in {present + absent} if i.find_spec(n)]))"
    assert json.loads(python_in(engine, request.getfixturevalue(fixture), code)) == present
    left = "import os; print(sorted(os.listdir('.')))"
    assert ".git" not in python_in(engine, request.getfixturevalue(fixture), left)


@BUILDING
def test_what_is_slow_at_a_start_was_done_by_the_build(engine: Engine, gpu_image: str) -> None:
    """As root and in a file system that can be written: nothing is added, so all was there."""
    code = """
import time
start = time.time()
import pathlib, lm_eval.tasks, transformers
from benchy.benchmarks.index import index_tasks
assert len(index_tasks(())) > 10_000
made = [path for path in pathlib.Path("/opt").rglob("*") if path.stat().st_mtime > start]
print(made)
"""
    assert python_in(engine, gpu_image, code, user="0", read_only=False) == "[]"


@BUILDING
def test_a_kernel_of_triton_finds_what_compiles_its_stub(engine: Engine, gpu_image: str) -> None:
    """CPU builds of torch bring no Triton; this is what it does (triton/runtime/build.py)."""
    code = """
import ctypes, pathlib, subprocess, sysconfig
pathlib.Path("/tmp/stub.c").write_text("#include <Python.h>\\nint answer(void) { return 42; }")
include = sysconfig.get_paths()["include"]
subprocess.run(["gcc", "/tmp/stub.c", "-O3", "-shared", "-fPIC", "-o", "/tmp/stub.so", f"-I{include}"], check=True)
print(ctypes.CDLL("/tmp/stub.so").answer())
"""
    assert python_in(engine, gpu_image, code, tmpfs={"/tmp": "exec"}) == "42"  # noqa: S108


@BUILDING
def test_a_change_of_our_code_keeps_the_packages(engine: Engine, gpu_image: str, tmp_path: Path) -> None:
    copy_repository(tmp_path)
    (tmp_path / "benchy" / "new.py").write_text('"""A new module."""\n')
    changed = build(engine, "benchy-tests:changed", target=None, context=tmp_path)

    assert python_in(engine, changed, "import benchy.new as new; print(new.__doc__)") == "A new module."
    packages = max(engine.client.images.get(gpu_image).history(), key=lambda layer: layer["Size"])
    assert "pip install" in packages["CreatedBy"]
    assert packages["Id"] in {layer["Id"] for layer in engine.client.images.get(changed).history()}
