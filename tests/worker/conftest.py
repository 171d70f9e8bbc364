"""A tiny model, tiny benchmarks, and the steps on them: in this process, or in a real worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchy.config import BenchmarkConfig, parse_config
from benchy.protocol import Phase, Prepare, Progress
from benchy.worker.prepare import prepare
from benchy.worker.session import Session
from tests.disks import mounted
from tests.worker.tiny import write_model, write_tasks

Events = list[Progress | Phase]


@pytest.fixture(scope="session", autouse=True)
def _libraries_offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the libraries' caches in a folder of this test run, and off the network."""
    cache = tmp_path_factory.mktemp("cache")
    settings = {
        "HF_HOME": str(cache),
        "HF_DATASETS_CACHE": str(cache / "datasets"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def other_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the other one but for its weights."""
    return write_model(tmp_path_factory.mktemp("other"), seed=1)


@pytest.fixture(scope="session")
def task_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tasks(tmp_path_factory.mktemp("tasks"))


MakeConfig = Callable[..., BenchmarkConfig]


@pytest.fixture
def make_config(model_folder: Path, task_folder: Path, tmp_path: Path) -> MakeConfig:
    """Return a config for the tiny model.

    Keywords go into the section ``evaluation``, or ``model=`` and so on as sections.
    """

    def make(tasks: str = "tiny", **changes: Any) -> BenchmarkConfig:
        sections: dict[str, Any] = {key: changes.pop(key) for key in ("performance", "gpus") if key in changes}
        model = {"name": str(model_folder), "dtype": "float32", **changes.pop("model", {})}
        evaluation: dict[str, Any] = {
            "tasks": tasks,
            "device": "cpu",
            "batch_size": 4,
            "include_path": str(task_folder),
            "output_path": str(tmp_path / "outputs"),
            **changes,
        }
        return parse_config({"model": model, "evaluation": evaluation, **sections}, source="test")

    return make


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Provide a folder on a file system of its own, with room for the results and not for the samples."""
    with mounted(tmp_path / "small", "size=24k") as folder:
        yield folder


def prepared_session(config: BenchmarkConfig, events: Events | None = None) -> Session:
    """Return a session in this process in which ``prepare`` was done."""
    session = Session(emit=(events if events is not None else []).append)
    prepare(session, Prepare(config=config))
    return session


@pytest.fixture(autouse=True)
def _environment_as_before() -> Iterator[None]:
    """``prepare`` sets variables of its process."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
