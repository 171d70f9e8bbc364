"""What a worker is follows from the config and its role alone, whichever runtime starts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from benchy.config import BenchmarkConfig, parse_config
from benchy.runtimes.launch import Role, Share, WorkerLaunch, launch_of

ROLES: tuple[Role, ...] = get_args(Role)
PLAIN = ("-P", "-m", "benchy.worker")


def configured(model: dict[str, Any] | None = None, **sections: Any) -> BenchmarkConfig:
    data = {"model": {"name": "org/m"} | (model or {}), "evaluation": {"tasks": "t"}} | sections
    return parse_config(data, source="test")


def launched(config: BenchmarkConfig, role: Role = "model", folder: Path = Path("/runs/one")) -> WorkerLaunch:
    return launch_of(config, folder, role=role)


CPU = {"tasks": "t", "device": "cpu"}


@pytest.mark.parametrize(
    ("config", "gpus", "visible"),
    [
        (configured(), 1, None),
        (configured(evaluation=CPU), 0, None),
        (configured(evaluation={"tasks": "t", "device": "cuda:2"}), 3, None),
        (configured(gpus=[2, "GPU-8f2c"]), (2, "GPU-8f2c"), (2, "GPU-8f2c")),
        (configured(performance={"num_gpus": 4}), 4, 4),
        (configured(performance={"replicas": 2}), 2, 2),
        (configured(performance={"use_accelerate": True}), 1, None),
        (configured(evaluation=CPU, performance={"replicas": 2}), 0, 2),
        (configured({"backend": "local-completions"}), 0, None),
        (configured({"backend": "local-completions"}, gpus=[0]), (0,), (0,)),
    ],
)
def test_only_the_worker_with_the_model_gets_gpus(config: BenchmarkConfig, gpus: object, visible: object) -> None:
    found = launched(config)
    assert (found.gpus, found.visible_gpus) == (gpus, visible)
    for role in ROLES:
        if role != "model":
            assert (launched(config, role).gpus, launched(config, role).visible_gpus) == (0, 0)


@pytest.mark.parametrize(
    ("role", "cache", "offline", "own_code", "token"),
    [
        ("fetch", "write", False, False, None),
        ("build", "read", False, True, "1"),
        ("model", "read", True, True, "1"),
        ("publish", None, False, False, None),
    ],
)
def test_each_role_may_do_what_it_is_for(
    role: Role, cache: str | None, offline: bool, own_code: bool, token: str | None
) -> None:
    found = launched(configured({"trust_remote_code": True}), role)
    assert (found.role, found.cache, found.goes_offline, found.runs_own_code) == (role, cache, offline, own_code)
    assert found.environment.get("HF_HUB_DISABLE_IMPLICIT_TOKEN") == token
    assert not launched(configured(), role).runs_own_code


@pytest.mark.parametrize(
    ("config", "offline"),
    [
        (configured(container={"sandbox": False}), False),
        (configured({"backend": "openai-completions"}), False),
        (configured({"backend": "vllm"}), True),
    ],
)
def test_a_model_is_cut_off_unless_it_is_elsewhere(config: BenchmarkConfig, offline: bool) -> None:
    assert launched(config).goes_offline is offline


@pytest.mark.parametrize("role", ROLES)
def test_code_that_the_model_wrote_runs_only_when_that_was_confirmed(role: Role) -> None:
    confirmed = configured(evaluation={"tasks": "t", "confirm_run_unsafe_code": True})
    expected = "1" if role in {"build", "model"} else None
    assert launched(confirmed, role).environment.get("HF_ALLOW_CODE_EVAL") == expected
    assert "HF_ALLOW_CODE_EVAL" not in launched(configured(), role).environment


@pytest.mark.parametrize(
    ("sections", "processes"),
    [({"gpus": [3, 5]}, 2), ({"performance": {"num_gpus": 4}}, 4), ({}, 1)],
)
def test_accelerate_starts_a_process_for_each_gpu(sections: dict[str, Any], processes: int) -> None:
    performance = sections.pop("performance", {}) | {"use_accelerate": True, "mixed_precision": "bf16"}
    config = configured(performance=performance, **sections)
    arguments = launched(config).arguments
    assert arguments[:3] == ("-P", "-m", "accelerate.commands.launch")
    assert arguments[arguments.index("--num_processes") + 1] == str(processes)
    assert arguments[arguments.index("--mixed_precision") + 1] == "bf16"
    assert ("--multi_gpu" in arguments) == (processes > 1)
    assert arguments[-2:] == ("--module", "benchy.worker")
    assert [launched(config, role).arguments for role in ROLES if role != "model"] == [PLAIN] * 3


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a model, an adapter upon a base, and tasks in the current folder."""
    for name in ("model", "adapter", "base", "tasks", "own"):
        (tmp_path / name).mkdir()
    said = {"base_model_name_or_path": str(tmp_path / "base")}
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(said), encoding="utf-8")
    (tmp_path / "own" / "mine.yaml").write_text("task: mine\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("model", "evaluation", "names"),
    [
        ({}, {}, []),
        ({"name": "model"}, {"include_path": ["tasks", "nowhere"]}, ["model", "tasks"]),
        ({"name": "adapter"}, {}, ["adapter", "base"]),
        ({"name": "model", "args": {"peft": "adapter", "n": 1}}, {}, ["model", "adapter", "base"]),
        ({"name": "model"}, {"tasks": "own/mine.yaml", "include_path": "own"}, ["model", "own"]),
        ({"name": "model"}, {"tasks": "own"}, ["model", "own"]),
    ],
)
def test_a_worker_sees_the_folders_that_the_config_names(
    folders: Path, model: dict[str, Any], evaluation: dict[str, Any], names: list[str]
) -> None:
    config = configured(model, evaluation={"tasks": "t"} | evaluation)
    read = tuple(Share(folders / name) for name in names)
    run = folders / "outputs" / "one"
    for role in ("build", "model"):
        assert launched(config, role, run).folders == (*read, Share(run / "worker", writable=True))
    assert launched(config, "fetch", run).folders == read


@pytest.mark.parametrize(
    ("to", "board"), [(None, []), ("board", ["board"]), ("hf://datasets/org/board", []), ("own:S://x", [])]
)
def test_a_worker_that_publishes_sees_the_run_and_the_leaderboard(
    folders: Path, to: str | None, board: list[str]
) -> None:
    config = configured({"name": "model"}, upload=to and {"to": to})
    shares = launched(config, "publish", Path("outputs/one")).folders
    assert shares == tuple(Share(folders / name, writable=True) for name in ("outputs/one", *board))


@pytest.mark.parametrize("role", ROLES)
def test_the_python_of_the_config_runs_all_but_what_publishes(role: Role) -> None:
    config = configured(worker={"python": "/vllm/bin/python"}, environment=["MY_OWN"])
    found = launched(config, role)
    assert found.python == (None if role == "publish" else "/vllm/bin/python")
    assert (found.passed_on, found.container) == (("MY_OWN",), config.container)
